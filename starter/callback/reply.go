package callback

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"time"

	"aftercall/internal/tencent"
)

// reply is the answer to a callback, with the labels of its metrics.
type reply struct {
	status int
	answer tencent.Answer
	// body replaces answer, unless it is nil.
	body    []byte
	outcome outcome
	app     string
	// room means that it answers the webhook of a room.
	room bool
}

func refuse(status int, info string) reply {
	return reply{status: status, answer: tencent.AnswerFail(info), outcome: outcomeRefused}
}

func notFound() reply { return refuse(http.StatusNotFound, "not found") }

func ok200(o outcome) reply {
	return reply{status: http.StatusOK, answer: tencent.AnswerOK(), outcome: o}
}

// unavailable asks the sender to send the callback again.
func unavailable() reply {
	return reply{
		status:  http.StatusServiceUnavailable,
		answer:  tencent.AnswerFail("the callback cannot be accepted at the moment: send it again"),
		outcome: outcomeUnavailable,
	}
}

// throttled asks the sender to send the callback again later.
func throttled() reply {
	return reply{
		status:  http.StatusTooManyRequests,
		answer:  tencent.AnswerFail("too many calls end at once: send the callback again later"),
		outcome: outcomeThrottled,
	}
}

// forApp is the reply, counted for app.
func (r reply) forApp(app App) reply {
	r.app = app.Name
	return r
}

// okBody is tencent.AnswerOK, the answer to nearly every callback.
var okBody = []byte(`{"ActionStatus":"OK","ErrorInfo":"","ErrorCode":0}`)

var contentType = []string{"application/json"}

// write sends the reply and counts it.
func (h *Handler) write(w http.ResponseWriter, reply reply, start time.Time) {
	body := okBody
	switch {
	case reply.body != nil:
		body = reply.body
	case reply.status != http.StatusOK:
		var err error
		if body, err = json.Marshal(reply.answer); err != nil {
			h.logger.Error("the answer could not be encoded", "error", err) // three plain fields: not expected
		}
	}
	if reply.outcome == outcomeRefused && reply.app == "" {
		h.closeConnection(w)
	}
	w.Header()["Content-Type"] = contentType
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(reply.status)
	if _, err := w.Write(body); err != nil {
		h.logger.Debug("the answer could not be sent", "error", err)
	}
	h.metrics.replied(reply, h.now().Sub(start))
	if reply.outcome == outcomeRefused || reply.outcome == outcomeThrottled {
		h.refusals.log(reply)
	}
}

// closeConnection makes the answer close its connection: strangers keep none.
// What is left of a body is not read either, for which net/http would wait.
func (h *Handler) closeConnection(w http.ResponseWriter) {
	w.Header().Set("Connection", "close")
	if err := http.NewResponseController(w).SetReadDeadline(time.Now()); err != nil && !errors.Is(err, http.ErrNotSupported) {
		h.logger.Debug("the connection of a refused callback has no deadline", "error", err)
	}
}
