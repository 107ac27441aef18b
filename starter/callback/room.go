package callback

import (
	"context"
	"net/http"
	"time"

	"aftercall/internal/evidence"
	"aftercall/internal/tencent"
)

// RoomPathPrefix is followed by the app's secret in the URL of its rooms' webhooks.
const RoomPathPrefix = "/tencent/rtc/"

// maxRoomAnswer is the longest time for an answer to a room's webhook, after which
// Tencent sends it again. It waits 5 s. D:39558
const maxRoomAnswer = 4 * time.Second

// roomOK is the answer to a webhook that was accepted. Head and body must be smaller
// than 2,000 bytes. D:39558
var roomOK = []byte(`{"code":0}`)

func (h *Handler) serveRoom(w http.ResponseWriter, r *http.Request) {
	start := h.now()
	answer := h.handleRoom(w, r, time.Now().Add(min(h.limits.Answer, maxRoomAnswer)))
	answer.room = true
	if answer.status == http.StatusOK {
		answer.body = roomOK
	}
	h.write(w, answer, start)
}

// handleRoom checks the webhook of a room, the cheapest checks first, and keeps it.
func (h *Handler) handleRoom(w http.ResponseWriter, r *http.Request, deadline time.Time) reply {
	body, secretHash, refusal := h.receive(w, r, RoomPathPrefix, deadline)
	if refusal != nil {
		return *refusal
	}
	id, err := tencent.ParseSDKAppID(r.Header.Get("SdkAppId"))
	if err != nil {
		return refuse(http.StatusForbidden, "SdkAppId: must be a whole number in the headers")
	}
	app := h.apps[id]
	secret := app.secret(secretHash)
	if secret < 0 || len(app.RoomKeys) == 0 {
		return refuse(http.StatusForbidden, "SdkAppId: not an app of this URL whose rooms are received")
	}
	signer, err := tencent.VerifyRoomSign(r.Header.Get("Sign"), app.RoomKeys, body)
	if err != nil {
		return refuse(http.StatusUnauthorized, err.Error()).forApp(app.App)
	}
	h.countOld(app.Name, "secret", secret)
	h.countOld(app.Name, "room_key", signer)
	event, err := tencent.DecodeRoomEvent(body)
	if err != nil {
		return refuse(http.StatusBadRequest, err.Error()).forApp(app.App)
	}
	// A sender that hangs up must not cancel what others are written with.
	return h.keep(context.WithoutCancel(r.Context()), deadline, app.App, evidence.FromRoom(app.ID, event), nil).forApp(app.App)
}
