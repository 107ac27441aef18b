// Package codec encrypts what Temporal stores: inputs, results, memos,
// summaries, details and failures.
package codec

import (
	"errors"
	"fmt"

	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/converter"
	"google.golang.org/protobuf/proto"

	"aftercall/internal/keyring"
)

// Variable is the environment variable that holds the keys, in the form that keyring.Parse reads.
const Variable = "AFTERCALL_PAYLOAD_KEYS"

const (
	// Encoding marks an encrypted payload. Its data is the original payload,
	// metadata included.
	Encoding = "binary/encrypted"
	// MetadataKeyID is the metadata key under which a payload names its encryption key.
	MetadataKeyID = "encryption-key-id"
)

// Codec encrypts payloads with the newest key of a keyring and decrypts with
// any of them. Without keys it does not encrypt. Decode returns payloads of
// other encodings unchanged, so that workflows continue that were started before
// encryption was turned on.
type Codec struct{ keys keyring.Keyring }

// New returns a Codec that uses keys.
func New(keys keyring.Keyring) Codec { return Codec{keys: keys} }

// Encode implements converter.PayloadCodec.
func (c Codec) Encode(payloads []*commonpb.Payload) ([]*commonpb.Payload, error) {
	if c.keys.IsZero() {
		return payloads, nil
	}
	id := c.keys.Newest()
	encoded := make([]*commonpb.Payload, len(payloads))
	for i, p := range payloads {
		plain, err := proto.Marshal(p)
		if err != nil {
			return nil, fmt.Errorf("encrypt a payload: %w", err)
		}
		encoded[i] = &commonpb.Payload{
			Metadata: map[string][]byte{converter.MetadataEncoding: []byte(Encoding), MetadataKeyID: []byte(id)},
			Data:     c.keys.Seal(plain, associatedData(id)),
		}
	}
	return encoded, nil
}

// Decode implements converter.PayloadCodec.
func (c Codec) Decode(payloads []*commonpb.Payload) ([]*commonpb.Payload, error) {
	decoded := make([]*commonpb.Payload, len(payloads))
	for i, p := range payloads {
		if string(p.GetMetadata()[converter.MetadataEncoding]) != Encoding {
			decoded[i] = p
			continue
		}
		id := string(p.GetMetadata()[MetadataKeyID])
		plain, err := c.keys.Open(id, p.GetData(), associatedData(id))
		if errors.As(err, new(*keyring.UnknownKeyError)) {
			return nil, fmt.Errorf("a payload is encrypted with key %q, which is not in %s: add it there, on every starter and worker", id, Variable)
		}
		if err != nil {
			return nil, fmt.Errorf("decrypt a payload: %w", err)
		}
		decoded[i] = &commonpb.Payload{}
		if err := proto.Unmarshal(plain, decoded[i]); err != nil {
			return nil, fmt.Errorf("decrypt a payload: %w", err)
		}
	}
	return decoded, nil
}

// associatedData binds an encrypted payload to the encoding and key ID in its
// metadata. It does not bind it to a workflow or namespace: the codec endpoint
// decrypts without knowing them, and a namespace can be moved. Binding would not
// prevent forgery either, because Decode accepts unencrypted payloads.
func associatedData(id string) []byte { return []byte(Encoding + " " + id) }
