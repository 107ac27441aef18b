package callback

import (
	"context"
	"time"

	"aftercall/internal/tencent"
)

// A commandHandler handles the callbacks of one command, once they are
// authenticated and decoded, and decides the answer. body is what Tencent sent:
// tencent.DecodeCallback reads no more than the CallId of a command other than
// CommandAfterEndCall. ctx does not end when the sender hangs up, so a handler
// bounds each of its steps, to answer by deadline.
type commandHandler func(ctx context.Context, deadline time.Time, app App, cb tencent.Callback, body []byte) reply

// aboutMembers are the commands that are handled only for apps whose evidence is kept.
var aboutMembers = map[tencent.Command]bool{tencent.CommandAfterStartCall: true, tencent.CommandAfterMemberChanged: true}

// commandHandlers lists the commands that are handled here. Callbacks of other
// commands are relayed for apps that ask for it, and ignored for the rest.
// Whether a callback is relayed does not depend on its handler.
//
// config.App.CallbackCommands must list the same commands, for Tencent to post them;
// a probe is not Tencent's.
func (h *Handler) commandHandlers() map[tencent.Command]commandHandler {
	return map[tencent.Command]commandHandler{
		tencent.CommandAfterEndCall:       h.handleEndedCall,
		tencent.CommandAfterStartCall:     h.handleStartedCall,
		tencent.CommandAfterMemberChanged: h.handleMemberChange,
		CommandProbe:                      h.handleProbe,
	}
}
