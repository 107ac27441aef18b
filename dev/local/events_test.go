package local_test

import (
	"bytes"
	"os"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"

	"aftercall/dev/local"
	"aftercall/dev/tencentsim"
	"aftercall/dev/webhookreceiver"
)

// TestEventsMatchTheSchema validates all events that the webhooks of the shared
// stack have received against the published schema.
func TestEventsMatchTheSchema(t *testing.T) {
	data, err := os.ReadFile(root + "/docs/events.schema.json")
	require.NoError(t, err)
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	require.NoError(t, err)
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	require.NoError(t, compiler.AddResource("events.json", document))
	schema, err := compiler.Compile("events.json")
	require.NoError(t, err)

	call, err := shared.Tencent.PlaceCall(tencentsim.CallSpec{SDKAppID: 1400000000, Seconds: 61})
	require.NoError(t, err)
	_, err = local.Follow(testContext(t), shared.Temporal, call)
	require.NoError(t, err)
	require.Equal(t, 1, shared.Arrivals("crm", call.Record.CallID))

	for _, target := range []string{"crm", "audit"} {
		for _, arrival := range shared.Webhooks.Received(webhookreceiver.Filter{Target: target}) {
			event, err := jsonschema.UnmarshalJSON(bytes.NewReader(arrival.Body))
			require.NoError(t, err)
			require.NoError(t, schema.Validate(event), "%s: %s", arrival.Type, arrival.Body)
		}
	}
}
