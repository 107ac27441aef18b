package codec_test

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"google.golang.org/protobuf/proto"

	"aftercall/internal/codec"
	"aftercall/internal/keyring"
)

const (
	oldKey = "old:b2xkIGtleSBvbGQga2V5IG9sZCBrZXkgb2xkIGtleSE="
	newKey = "new:bmV3IGtleSBuZXcga2V5IG5ldyBrZXkgbmV3IGtleSE="
)

func keys(t *testing.T, text string) keyring.Keyring {
	t.Helper()
	k, err := keyring.Parse(text)
	require.NoError(t, err)
	return k
}

type private struct{ Caller string }

func read(t *testing.T, c converter.DataConverter, p *commonpb.Payload) string {
	t.Helper()
	var v private
	require.NoError(t, c.FromPayload(p, &v))
	return v.Caller
}

func TestRotation(t *testing.T) {
	off := codec.NewDataConverter(keyring.Keyring{})
	before := codec.NewDataConverter(keys(t, oldKey))
	after := codec.NewDataConverter(keys(t, newKey+","+oldKey))
	for name, c := range map[string]struct {
		writer converter.DataConverter
		keyID  string
		reader []converter.DataConverter
	}{
		"before encryption":  {off, "", []converter.DataConverter{off, before, after}},
		"with the first key": {before, "old", []converter.DataConverter{before, after}},
		"with the newest":    {after, "new", []converter.DataConverter{after}},
	} {
		p, err := c.writer.ToPayload(private{"alice"})
		require.NoError(t, err, name)
		require.Equal(t, c.keyID, string(p.Metadata[codec.MetadataKeyID]), name)
		if c.keyID != "" {
			require.NotContains(t, p.String(), "alice", name)
		}
		for _, reader := range c.reader {
			require.Equal(t, "alice", read(t, reader, p), name)
		}
	}
}

func TestMissingKey(t *testing.T) {
	p, err := codec.NewDataConverter(keys(t, newKey)).ToPayload(private{"alice"})
	require.NoError(t, err)
	for _, have := range []string{"", oldKey} {
		c := codec.NewDataConverter(keys(t, have))
		const message = `encrypted with key "new", which is not in AFTERCALL_PAYLOAD_KEYS: add it there`
		var v private
		require.ErrorContains(t, c.FromPayload(p, &v), message)
		// In workflow code an error would fail the workflow; a panic fails its task.
		inWorkflow := c.(converter.ContextAware).WithWorkflowContext(nil)
		func() {
			defer func() {
				err, _ := recover().(error)
				require.ErrorContains(t, err, message)
			}()
			_ = inWorkflow.FromPayload(p, &v)
			require.Fail(t, "no panic")
		}()
		require.ErrorContains(t, c.(converter.ContextAware).WithContext(t.Context()).FromPayload(p, &v), message)
	}
}

func TestDecodeKeepsOtherEncodings(t *testing.T) {
	foreign := &commonpb.Payload{Metadata: map[string][]byte{converter.MetadataEncoding: []byte("binary/other")}, Data: []byte("x")}
	decoded, err := codec.New(keys(t, newKey)).Decode([]*commonpb.Payload{foreign})
	require.NoError(t, err)
	require.Same(t, foreign, decoded[0])
}

// TestKeyIDIsBound changes the key ID of a payload to another ID of the same key.
func TestKeyIDIsBound(t *testing.T) {
	const same = "one:b2xkIGtleSBvbGQga2V5IG9sZCBrZXkgb2xkIGtleSE=,two:b2xkIGtleSBvbGQga2V5IG9sZCBrZXkgb2xkIGtleSE="
	c := codec.NewDataConverter(keys(t, same))
	p, err := c.ToPayload(private{"alice"})
	require.NoError(t, err)
	p.Metadata[codec.MetadataKeyID] = []byte("two")
	require.ErrorContains(t, c.FromPayload(p, &private{}), "key two does not match")
}

func TestFailures(t *testing.T) {
	converterOf := func(text string) converter.FailureConverter {
		k := keys(t, text)
		return codec.NewFailureConverter(k, codec.NewDataConverter(k))
	}
	cause := temporal.NewApplicationError("alice is unknown", "Cause")
	failure := converterOf(newKey).ErrorToFailure(temporal.NewApplicationErrorWithCause("no record of alice", "RecordNeverAppeared", cause))
	require.NotContains(t, failure.String(), "alice")

	var appErr *temporal.ApplicationError
	require.ErrorAs(t, converterOf(newKey+","+oldKey).FailureToError(failure), &appErr)
	require.Equal(t, "no record of alice", appErr.Message())
	require.ErrorContains(t, errors.Unwrap(appErr), "alice is unknown")

	failure = converterOf(newKey).ErrorToFailure(temporal.NewApplicationErrorWithCause("no record of alice", "RecordNeverAppeared", cause))
	require.ErrorAs(t, converterOf(oldKey).FailureToError(failure), &appErr)
	require.Equal(t, "RecordNeverAppeared", appErr.Type(), "the error type, which workflows branch on, is not encrypted")
	require.Contains(t, appErr.Message(), `key "new", which is not in AFTERCALL_PAYLOAD_KEYS`)

	plain := converterOf("").ErrorToFailure(temporal.NewApplicationError("no record", "RecordNeverAppeared"))
	require.Equal(t, "no record", plain.Message)
}

// TestDecodingAFailureLeavesItEncrypted: the SDK decodes the failure of a local
// activity and then writes the same failure to the history.
func TestDecodingAFailureLeavesItEncrypted(t *testing.T) {
	k := keys(t, newKey)
	c := codec.NewFailureConverter(k, codec.NewDataConverter(k))
	cause := temporal.NewApplicationError("alice is unknown", "Cause")
	failure := c.ErrorToFailure(temporal.NewApplicationErrorWithCause("no record of alice", "RecordNeverAppeared", cause))
	before := proto.Clone(failure)

	err := c.FailureToError(failure)
	require.ErrorContains(t, err, "no record of alice")
	require.True(t, proto.Equal(before, failure), "changed to %s", failure)
	require.NotContains(t, c.ErrorToFailure(err).String(), "alice", "the error holds the failure, which is sent again")

	other := codec.NewFailureConverter(keys(t, oldKey), codec.NewDataConverter(keys(t, oldKey)))
	_ = other.FailureToError(failure)
	require.True(t, proto.Equal(before, failure), "changed to %s", failure)
	require.NoError(t, c.FailureToError(nil))
}
