package codec

import (
	"context"

	commonpb "go.temporal.io/api/common/v1"
	failurepb "go.temporal.io/api/failure/v1"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"google.golang.org/protobuf/proto"

	"aftercall/internal/keyring"
)

// dataConverter is Temporal's default converter with a Codec.
//
// In workflow code a decoding error would fail the workflow permanently. The
// converter therefore panics there, which fails only the workflow task: Temporal
// shows the reason in the Web UI and retries until the key is available.
type dataConverter struct {
	converter.DataConverter
	inWorkflow converter.DataConverter
}

// NewDataConverter returns the data converter of a client. With an empty keyring
// it encrypts nothing, and decoding an encrypted payload is an error that names
// the missing key.
func NewDataConverter(keys keyring.Keyring) converter.DataConverter {
	plain, c := converter.GetDefaultDataConverter(), New(keys)
	return dataConverter{
		DataConverter: converter.NewCodecDataConverter(plain, c),
		inWorkflow:    converter.NewCodecDataConverter(plain, panickingCodec{c}),
	}
}

// WithWorkflowContext implements converter.ContextAware.
func (d dataConverter) WithWorkflowContext(converter.WorkflowContext) converter.DataConverter {
	return d.inWorkflow
}

// WithContext implements converter.ContextAware.
func (d dataConverter) WithContext(context.Context) converter.DataConverter { return d.DataConverter }

// panickingCodec panics where Codec returns an error.
type panickingCodec struct{ Codec }

// Decode implements converter.PayloadCodec.
func (c panickingCodec) Decode(payloads []*commonpb.Payload) ([]*commonpb.Payload, error) {
	decoded, err := c.Codec.Decode(payloads)
	if err != nil {
		panic(err)
	}
	return decoded, nil
}

// failureConverter encrypts the messages and stack traces of failures. Where one
// cannot be decrypted, the message becomes the reason.
type failureConverter struct {
	converter.FailureConverter
	data converter.DataConverter
}

// NewFailureConverter returns the failure converter of a client. data is the
// client's NewDataConverter with the same keys.
func NewFailureConverter(keys keyring.Keyring, data converter.DataConverter) converter.FailureConverter {
	return failureConverter{
		FailureConverter: temporal.NewDefaultFailureConverter(temporal.DefaultFailureConverterOptions{
			DataConverter: data, EncodeCommonAttributes: !keys.IsZero(),
		}),
		data: data,
	}
}

// FailureToError implements converter.FailureConverter. It decodes a copy,
// because the SDK keeps the failure that it gives: a local activity's is written
// to the history after it has been decoded.
func (f failureConverter) FailureToError(failure *failurepb.Failure) error {
	failure = proto.CloneOf(failure)
	for each := failure; each != nil; each = each.GetCause() {
		if attributes := each.GetEncodedAttributes(); attributes != nil {
			var texts map[string]any
			if err := f.data.FromPayload(attributes, &texts); err != nil {
				each.Message = "the message of this failure cannot be decrypted: " + err.Error()
			}
		}
	}
	return f.FailureConverter.FailureToError(failure)
}
