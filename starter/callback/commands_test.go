package callback

import (
	"context"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/stretchr/testify/require"

	"aftercall/internal/config"
	"aftercall/internal/tencent"
)

const startedQuery = "?SdkAppid=1400000000&CallbackCommand=Call.CallbackAfterStartCall"

// TestTencentPostsTheHandledCommands compares the commands that are handled
// with those that an app registers at Tencent which has no relay, and keeps evidence. A probe is not
// Tencent's.
func TestTencentPostsTheHandledCommands(t *testing.T) {
	handled := slices.Collect(maps.Keys((&Handler{}).commandHandlers()))
	posted := (&config.App{Evidence: config.AppEvidence{Members: true}}).CallbackCommands()
	require.ElementsMatch(t, append(posted, CommandProbe), handled)
	require.Equal(t, []tencent.Command{tencent.CommandAfterEndCall}, (&config.App{}).CallbackCommands())
}

func TestCommandWithoutHandlerIsIgnored(t *testing.T) {
	f := withMiniredis(t)
	f.requireOK(f.post(PathPrefix+secret+startedQuery, `{"CallInfo":{}}`))
	require.Zero(t, f.temporal.starts)
	f.requireCallbacks(`{app="clinic",outcome="ignored",status="200"} 1`)
}

// TestCommandWithHandler handles another command, for an app without a relay
// and for one that relays others.
func TestCommandWithHandler(t *testing.T) {
	type handled struct{ app, callID, body string }
	var got []handled
	m := miniredis.RunT(t)
	f := newFixtureWith(t, "redis://"+m.Addr(), m.FlushAll, func(h *Handler) {
		h.commands["Call.Other"] = func(_ context.Context, _ time.Time, app App, cb tencent.Callback, body []byte) reply {
			got = append(got, handled{app.Name, cb.CallID, string(body)})
			return ok200("noted")
		}
	})
	other := strings.NewReplacer("Call.CallbackAfterStartCall", "Call.Other")
	f.requireOK(f.post(PathPrefix+secret+other.Replace(startedQuery), started))
	f.requireOK(f.post(other.Replace(relayURL(startCmd)), started))
	require.Equal(t, []handled{{"clinic", "c-1", started}, {"bank", "c-1", started}}, got)
	require.Empty(t, f.temporal.relayed())
	f.requireCallbacks(`{app="bank",outcome="noted",status="200"} 1`, `{app="clinic",outcome="noted",status="200"} 1`)
	f.requireOK(f.post(good, body))
	require.Equal(t, 1, f.temporal.starts, "ended calls are handled as ever")
}
