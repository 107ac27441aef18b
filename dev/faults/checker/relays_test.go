package checker

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRelays(t *testing.T) {
	e := Evidence{Relays: []Relay{
		{App: "clinic", CallID: "promised", Command: "start", Posted: true, Promised: true},
		{CallID: "not promised", Command: "end", Posted: true},
		{CallID: "relayed", Command: "start", Posted: true, Promised: true, Accepted: 2},
		{Accepted: 1},
	}}
	require.Equal(t, []Finding{
		{ChangedBody, "", "", "the backend got a callback that Tencent never posted"},
		{NotRelayed, "clinic", "promised", "start was answered OK, and the backend has not accepted it"},
	}, Check(e))
}
