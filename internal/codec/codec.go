// Package codec encrypts what Temporal stores: inputs, results, memos,
// summaries, details and failures. Beside internal/engine it is the internal
// package that knows Temporal.
package codec

import (
	"errors"
	"fmt"

	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/converter"
	"google.golang.org/protobuf/proto"

	"aftercall/internal/seal"
)

// Variable is the environment variable that holds the keys; see seal.Parse.
const Variable = "AFTERCALL_PAYLOAD_KEYS"

const (
	// Encoding marks an encrypted payload; the whole original is inside.
	Encoding = "binary/encrypted"
	// MetadataKeyID names the key that opens it.
	MetadataKeyID = "encryption-key-id"
)

// Codec encrypts payloads with the newest key, or not at all without one, and
// decrypts with any. Payloads of other encodings pass, so that what was started
// before encryption was turned on goes on.
type Codec struct{ keys seal.Keys }

// New returns a Codec.
func New(keys seal.Keys) Codec { return Codec{keys: keys} }

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
			Data:     c.keys.Seal(plain, associated(id)),
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
		plain, err := c.keys.Open(id, p.GetData(), associated(id))
		if errors.As(err, new(*seal.UnknownKeyError)) {
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

// associated binds the sealed payload to what its metadata say of it. It is not
// bound to its workflow or namespace: the codec endpoint must open it without
// knowing them, a namespace may be moved, and since plain payloads pass, who
// can write to Temporal's database need not copy a sealed one to forge.
func associated(id string) []byte { return []byte(Encoding + " " + id) }
