package simulation

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"

	"aftercall/dev/faults/checker"
	"aftercall/internal/tencent"
)

// relayed notes a callback that the backend of its app is to get. One that is not about
// the end of a call is answered OK only once it is sure to be relayed.
func (w *World) relayed(app string, command tencent.Command, callID string, r *http.Request, body []byte, status int) {
	about := w.aboutOf(app, callID)
	if about.App != w.config.Apps[0].Name {
		return
	}
	w.relay(r.URL.RawQuery, body, func(known *checker.Relay) {
		known.App, known.CallID, known.Command, known.Posted = about.App, about.CallID, string(command), true
		known.Promised = known.Promised || (status == http.StatusOK && command != tencent.CommandAfterEndCall)
	})
}

// relay changes what is known of a callback.
func (w *World) relay(query string, body []byte, change func(*checker.Relay)) {
	sum := sha256.Sum256(append([]byte(query+"\n"), body...))
	key := hex.EncodeToString(sum[:8])
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.relays[key] == nil {
		w.relays[key] = &checker.Relay{}
	}
	change(w.relays[key])
}
