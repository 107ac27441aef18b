package codec

import (
	"context"

	commonpb "go.temporal.io/api/common/v1"
	failurepb "go.temporal.io/api/failure/v1"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"

	"aftercall/internal/seal"
)

// dataConverter is Temporal's own, with a Codec.
//
// A workflow that cannot read its own history would fail for good where the SDK
// is given an error. So within workflow code the converter panics, which fails
// the workflow task: it shows in the Web UI, is tried again, and goes on when
// the key is back.
type dataConverter struct {
	converter.DataConverter
	blocking converter.DataConverter
}

// NewDataConverter returns the converter of a client. Without keys it encrypts
// nothing, and says of what is encrypted which key it lacks.
func NewDataConverter(keys seal.Keys) converter.DataConverter {
	plain, c := converter.GetDefaultDataConverter(), New(keys)
	return dataConverter{
		DataConverter: converter.NewCodecDataConverter(plain, c),
		blocking:      converter.NewCodecDataConverter(plain, blockingCodec{c}),
	}
}

// WithWorkflowContext implements converter.ContextAware.
func (d dataConverter) WithWorkflowContext(converter.WorkflowContext) converter.DataConverter {
	return d.blocking
}

// WithContext implements converter.ContextAware.
func (d dataConverter) WithContext(context.Context) converter.DataConverter { return d.DataConverter }

// blockingCodec panics instead of returning an error.
type blockingCodec struct{ Codec }

// Decode implements converter.PayloadCodec.
func (c blockingCodec) Decode(payloads []*commonpb.Payload) ([]*commonpb.Payload, error) {
	decoded, err := c.Codec.Decode(payloads)
	if err != nil {
		panic(err)
	}
	return decoded, nil
}

// failureConverter encrypts the texts of failures, and says why one cannot be read.
type failureConverter struct {
	converter.FailureConverter
	data converter.DataConverter
}

// NewFailureConverter returns the failure converter that belongs to data, the
// converter of keys.
func NewFailureConverter(keys seal.Keys, data converter.DataConverter) converter.FailureConverter {
	return failureConverter{
		FailureConverter: temporal.NewDefaultFailureConverter(temporal.DefaultFailureConverterOptions{
			DataConverter: data, EncodeCommonAttributes: !keys.IsZero(),
		}),
		data: data,
	}
}

// FailureToError implements converter.FailureConverter.
func (f failureConverter) FailureToError(failure *failurepb.Failure) error {
	for each := failure; each != nil; each = each.GetCause() {
		if attributes := each.GetEncodedAttributes(); attributes != nil {
			var texts map[string]any
			if err := f.data.FromPayload(attributes, &texts); err != nil {
				each.Message = "the text of this failure cannot be read: " + err.Error()
			}
		}
	}
	return f.FailureConverter.FailureToError(failure)
}
