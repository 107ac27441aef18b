package notify

import (
	"context"
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestTestEvent(t *testing.T) {
	event := NewTestEvent("crm", time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC))
	require.NotContains(t, EventTypes, event.Type, "no target can subscribe to it")
	text, err := json.Marshal(event)
	require.NoError(t, err)
	require.JSONEq(t, `{"type":"target.test","version":1,"timestamp":"2026-03-01T12:00:00Z","data":
		{"target":"crm","message":"Test of the target crm by aftercall. No call ended, nothing was charged."}}`, string(text))
	var read Event
	require.NoError(t, json.Unmarshal(text, &read))
	require.Equal(t, event, read)
}

// TestTestEventIgnoresTemplates: a template of the configuration may be about
// calls only.
func TestTestEventIgnoresTemplates(t *testing.T) {
	require.Equal(t, "Test of the target crm by aftercall. No call ended, nothing was charged.",
		rendered(t, "{{ .Caller }} was charged {{ .Amount }}", "", "", NewTestEvent("crm", time.Now())))
}

func TestMeterDoesNotCountATest(t *testing.T) {
	p := newProvider(t, http.StatusOK, "")
	s := &stripe{url: p.url, http: NewHTTPClient(Network{AllowPrivate: true})}
	require.ErrorContains(t, s.Send(context.Background(), "msg_1", NewTestEvent("billing", time.Now())), "cannot count the event target.test")
}
