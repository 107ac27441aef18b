// Package callback receives Tencent's callbacks: it checks each one, drops
// duplicates, starts one workflow per ended call, and answers OK only when
// that workflow is durably started or known to be. D:68940
package callback

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/gorilla/mux"
	"github.com/prometheus/client_golang/prometheus"

	"aftercall/internal/dedupe"
	"aftercall/internal/tencent"
	"aftercall/internal/tracing"
)

// PathPrefix is followed by the app's secret in the callback URL.
const PathPrefix = "/tencent/call/"

const (
	// maxBodySize is many times what Tencent sends for the largest group call.
	maxBodySize = 64 << 10
	// The parts of an answer, together below the 1.5 s after which the sender
	// of neighbouring products is about to give up: reading the body, and
	// everything after it, of which Temporal gets what Redis leaves.
	readBudget   = 300 * time.Millisecond
	handleBudget = 1100 * time.Millisecond
	startBudget  = 900 * time.Millisecond
)

// App is an SDKAppID whose callbacks are received.
type App struct {
	ID   tencent.SDKAppID
	Name string
	// Secret is the last segment of the callback URL's path.
	Secret string
	// Token, if set, makes Sign and RequestTime compulsory.
	Token string
	// RecordDeadline is how long the workflow waits for a missing record.
	RecordDeadline time.Duration
	// Relay are the commands whose callbacks the app's own backend gets too.
	Relay map[tencent.Command]bool
}

// Handler answers callbacks.
type Handler struct {
	apps    map[tencent.SDKAppID]guardedApp
	gate    *dedupe.Gate
	calls   Calls
	metrics *metrics
	logger  *slog.Logger
	now     func() time.Time
}

// guardedApp keeps the hash of the secret, so that comparing takes the same
// time for secrets of any length.
type guardedApp struct {
	App
	secretHash [sha256.Size]byte
}

// New returns the handler of the public listener. Unknown paths are answered
// exactly like a wrong secret.
func New(apps []App, gate *dedupe.Gate, calls Calls, reg prometheus.Registerer, logger *slog.Logger) http.Handler {
	h := &Handler{
		apps: make(map[tencent.SDKAppID]guardedApp, len(apps)), gate: gate, calls: calls,
		metrics: newMetrics(reg), logger: logger, now: time.Now,
	}
	for _, app := range apps {
		h.apps[app.ID] = guardedApp{App: app, secretHash: sha256.Sum256([]byte(app.Secret))}
		h.metrics.preset(app.Name)
	}
	r := mux.NewRouter().SkipClean(true)
	r.PathPrefix(PathPrefix).Handler(h)
	r.NotFoundHandler = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { h.answer(w, notFound(), h.now()) })
	return r
}

// reply is what a callback is answered, and what is counted of it.
type reply struct {
	status  int
	answer  tencent.Answer
	outcome outcome
	app     string
}

// ServeHTTP answers one callback.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	start := h.now()
	reply, relaying := h.handle(w, r)
	h.answer(w, reply, start)
	relaying.wait(w)
}

// okBody is tencent.AnswerOK, which nearly every callback is answered.
var okBody = []byte(`{"ActionStatus":"OK","ErrorInfo":"","ErrorCode":0}`)

var contentType = []string{"application/json"}

func (h *Handler) answer(w http.ResponseWriter, reply reply, start time.Time) {
	body := okBody
	if reply.status != http.StatusOK {
		var err error
		if body, err = json.Marshal(reply.answer); err != nil {
			h.logger.Error("the answer cannot be encoded", "error", err) // three plain fields: it can
		}
	}
	w.Header()["Content-Type"] = contentType
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(reply.status)
	if _, err := w.Write(body); err != nil {
		h.logger.Debug("answer not written: the sender is gone", "error", err)
	}
	h.metrics.answered(reply, h.now().Sub(start))
}

// handle goes through the checks from the cheapest to the dearest. Nothing is
// asked of Redis or Temporal for a sender that has not proved itself.
func (h *Handler) handle(w http.ResponseWriter, r *http.Request) (reply, *relaying) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		return refuse(http.StatusMethodNotAllowed, "method: use POST"), nil
	}
	body, err := readBody(w, r)
	if err != nil {
		if errors.As(err, new(*http.MaxBytesError)) {
			return refuse(http.StatusRequestEntityTooLarge, "body: larger than 64 KiB"), nil
		}
		return refuse(http.StatusBadRequest, "body: could not be read"), nil
	}
	secretHash := sha256.Sum256([]byte(strings.TrimPrefix(r.URL.Path, PathPrefix)))
	if !h.anySecret(secretHash) {
		return notFound(), nil
	}
	query := tencent.ParseQuery(r.URL.RawQuery)
	id, err := query.SDKAppID()
	if err != nil {
		return refuse(http.StatusForbidden, err.Error()), nil
	}
	app, ok := h.apps[id]
	if !ok || subtle.ConstantTimeCompare(app.secretHash[:], secretHash[:]) != 1 {
		return refuse(http.StatusForbidden, "SdkAppid: not one of the apps configured for this URL"), nil
	}
	if app.Token != "" {
		if err := tencent.VerifyCallbackSign(query, app.Token, h.now()); err != nil {
			return refuse(http.StatusUnauthorized, err.Error()).of(app.App), nil
		}
	}
	cb, err := tencent.DecodeCallback(query, body)
	if err != nil {
		return refuse(http.StatusBadRequest, err.Error()).of(app.App), nil
	}
	relaying := h.relay(r, app.App, cb, body)
	if cb.Command != tencent.CommandAfterEndCall {
		return relaying.reply().of(app.App), relaying
	}
	// A sender that hangs up must not cancel a start. What follows bounds its
	// own parts, which sum up to handleBudget.
	ctx := context.WithoutCancel(tracing.WithCall(r.Context(), cb.CallID))
	return h.ended(ctx, app.App, cb).of(app.App), relaying
}

func readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	rc := http.NewResponseController(w)
	// Recorders in tests have no connection to set a deadline on.
	if err := rc.SetReadDeadline(time.Now().Add(readBudget)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return nil, err
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBodySize))
	if err != nil {
		return nil, err
	}
	if err := rc.SetReadDeadline(time.Time{}); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return nil, err
	}
	return body, nil
}

// anySecret compares with every app's secret, whatever it finds on the way.
func (h *Handler) anySecret(hash [sha256.Size]byte) bool {
	found := 0
	for _, app := range h.apps {
		found |= subtle.ConstantTimeCompare(app.secretHash[:], hash[:])
	}
	return found == 1
}

func refuse(status int, info string) reply {
	return reply{status: status, answer: tencent.AnswerFail(info), outcome: outcomeRefused}
}

func notFound() reply { return refuse(http.StatusNotFound, "not found") }

func ok200(o outcome) reply {
	return reply{status: http.StatusOK, answer: tencent.AnswerOK(), outcome: o}
}

// unavailable asks to send the callback again.
func unavailable() reply {
	return reply{
		status:  http.StatusServiceUnavailable,
		answer:  tencent.AnswerFail("temporarily unable to accept the call, send it again"),
		outcome: outcomeUnavailable,
	}
}

func (r reply) of(app App) reply {
	r.app = app.Name
	return r
}
