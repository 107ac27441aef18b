package notify

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"

	"aftercall/internal/secret"
)

const schemaFile = "../../docs/events.schema.json"

// closed makes a schema refuse fields that it does not describe. The published
// one is open, so that fields can come; but a field that comes must be described.
func closed(node any) any {
	switch n := node.(type) {
	case map[string]any:
		for key, value := range n {
			n[key] = closed(value)
		}
		if n["type"] == "object" && n["properties"] != nil {
			n["additionalProperties"] = false
		}
	case []any:
		for i, value := range n {
			n[i] = closed(value)
		}
	}
	return node
}

func schema(t *testing.T, change func(any) any) *jsonschema.Schema {
	t.Helper()
	data, err := os.ReadFile(schemaFile)
	require.NoError(t, err)
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	require.NoError(t, err)
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	require.NoError(t, compiler.AddResource("events.json", change(doc)))
	compiled, err := compiler.Compile("events.json")
	require.NoError(t, err)
	return compiled
}

func validate(t *testing.T, s *jsonschema.Schema, text string) error {
	t.Helper()
	value, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	require.NoError(t, err)
	return s.Validate(value)
}

// sent is what a webhook's receiver gets for an event.
func sent(t *testing.T, event Event) string {
	t.Helper()
	p := newProvider(t, http.StatusNoContent, "")
	require.NoError(t, newSender(t, &WebhookOptions{URL: secret.New(p.url), Secrets: []secret.Text{secret.New(secretOne)}}).Send(context.Background(), "msg_1", event))
	return p.only(t).body
}

func TestWhatIsSentIsWhatTheSchemaSays(t *testing.T) {
	s := schema(t, closed)
	events := Samples()
	corrected := sample(t, EventCallCharged)
	corrected.Call.Revision, corrected.Call.LedgerKey = 2, "charge.2:1400000000:a:b"
	corrected.Call.Reason, corrected.Call.Operator, corrected.Call.Payer = "wrong tariff", "alice", "doctor-17"
	corrected.Call.MemberSeconds = map[string]int64{"patient-1001": 61, "doctor-17": 0}
	unknown := Event{Type: EventCallReview, Version: EventVersion, Timestamp: corrected.Timestamp, Call: &CallData{App: "clinic"}}
	empty := Event{Type: EventSweepRecovered, Version: EventVersion, Timestamp: corrected.Timestamp, Sweep: &SweepData{}}
	burst := Event{Type: EventReviewBurst, Version: EventVersion, Timestamp: corrected.Timestamp, Burst: &BurstData{}}
	test := NewTestEvent("crm", corrected.Timestamp)
	for _, event := range append(events, corrected, unknown, empty, burst, test) {
		require.NoError(t, validate(t, s, sent(t, event)), event.Type)
	}
}

func TestTheSchemaRefusesWhatIsNotSent(t *testing.T) {
	s := schema(t, func(doc any) any { return doc })
	body := sent(t, sample(t, EventCallCharged))
	require.NoError(t, validate(t, s, strings.Replace(body, `"app":`, `"news":1,"app":`, 1)), "fields can come")
	for old, replacement := range map[string]string{
		`"version":1`:                  `"version":2`,
		`"call.charged"`:               `"call.lost"`,
		`"timestamp":"2026`:            `"timestamp":"x2026`,
		`"amount":"0.24"`:              `"amount":0.24`,
		`"currency":"USD"`:             `"currency":""`,
		`"end_time":1772366400`:        `"end_time":"1772366400"`,
		`"caller":"patient-1001",`:     ``,
		`"ledger_key":"charge:`:        `"ledger_key":"reversal:`,
		`["patient-1001","doctor-17"]`: `null`,
	} {
		require.Contains(t, body, old)
		require.Error(t, validate(t, s, strings.Replace(body, old, replacement, 1)), replacement)
	}
	require.Error(t, validate(t, s, strings.Replace(body, `"room_id":`, `"member_seconds":{"doctor-17":-1},"room_id":`, 1)))
	reversed := sent(t, sample(t, EventCallReversed))
	require.Error(t, validate(t, s, strings.Replace(reversed, `"amount":"-0.24"`, `"amount":"0.24"`, 1)))
	require.Error(t, validate(t, s, strings.Replace(reversed, "call.reversed", "call.charged", 1)))
	adjusted := sent(t, sample(t, EventCallAdjusted))
	for old, replacement := range map[string]string{
		`"amount":"-0.10"`:             `"amount":"0.00"`,
		`"adjustment":1`:               `"adjustment":0`,
		`"operator":"alice"`:           `"operators":"alice"`,
		`"billed_seconds":0`:           `"billed_seconds":60`,
		`"call.adjusted"`:              `"call.charged"`,
		`"ledger_key":"adjustment:`:    `"ledger_key":"charge:`,
		`"adjustment":1,`:              `"adjustment":1,"revision":2,`,
		`"adjustment":1,"reason"`:      `"adjustment":1,"reverses":"charge:1400000000:c1","reason"`,
		`"type":"call.adjusted","ver`:  `"type":"call.reversed","ver`,
		`["patient-1001","doctor-17"]`: `null`,
	} {
		require.Contains(t, adjusted, old)
		require.Error(t, validate(t, s, strings.Replace(adjusted, old, replacement, 1)), replacement)
	}
	undone := strings.Replace(adjusted, `"adjustment":1,"reason"`, `"adjustment":1,"reverses":"adjustment:1400000000:c1","reason"`, 1)
	undone = strings.Replace(undone, `"ledger_key":"adjustment:`, `"ledger_key":"adjustment-reversal.2:`, 1)
	require.NoError(t, validate(t, s, undone))
}

func TestTheSchemaIsOfThisVersion(t *testing.T) {
	data, err := os.ReadFile(schemaFile)
	require.NoError(t, err)
	var doc struct {
		ID         string `json:"$id"`
		Properties struct {
			Version struct{ Const int }
			Type    struct{ Enum []EventType }
		}
	}
	require.NoError(t, json.Unmarshal(data, &doc))
	require.Equal(t, "urn:aftercall:events:1", doc.ID)
	require.Equal(t, EventVersion, doc.Properties.Version.Const)
	require.Equal(t, append(slices.Clone(EventTypes), EventTargetTest), doc.Properties.Type.Enum)
}

func TestTheDocumentedEventIsOne(t *testing.T) {
	require.NoError(t, validate(t, schema(t, closed), code(t, "## Events", "json")))
}
