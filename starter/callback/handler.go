// Package callback receives Tencent's callbacks: it checks each one, drops
// duplicates, starts one workflow per ended call, and answers OK only when
// that workflow is durably started or was before. D:68940
package callback

import (
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/gorilla/mux"
	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/singleflight"

	"aftercall/internal/dedupe"
	"aftercall/internal/places"
	"aftercall/internal/redisguard"
	"aftercall/internal/tencent"
	"aftercall/internal/tracing"
)

// PathPrefix is followed by the app's secret in the callback URL.
const PathPrefix = "/tencent/call/"

const (
	// DefaultAnswerTimeout stays below 1.5 s, after which Tencent's neighbouring
	// products give up on an answer.
	DefaultAnswerTimeout = 1400 * time.Millisecond
	// confirmBudget is the end of the time for an answer, which is for Redis after
	// the workflow has been started.
	confirmBudget = 250 * time.Millisecond
	// redisBudget is the longest that Redis takes, which may be for a free
	// connection first.
	redisBudget = 2 * redisguard.MaxTimeout
)

// App is an app whose callbacks are received.
type App struct {
	ID   tencent.SDKAppID
	Name string
	// Secrets are the accepted last segments of the callback URL's path: one, or
	// the current one and then the old one.
	Secrets []string
	// Tokens make Sign and RequestTime mandatory, unless there are none. There are
	// one or two, as of Secrets.
	Tokens []string
	// ProbeKey is what probes are made with; empty accepts none.
	ProbeKey string
	// RecordDeadline is how long the workflow waits for a missing record.
	RecordDeadline time.Duration
	// Relay holds the commands whose callbacks are relayed to the app's own backend.
	Relay map[tencent.Command]bool
	// Members keeps what callbacks say about the members of calls as evidence.
	Members bool
	// RoomKeys sign the webhooks of the app's rooms, which are kept as evidence; there
	// are none, one or two, as of Secrets.
	RoomKeys []string
}

// Handler answers callbacks. Its zero value is not usable: see New.
type Handler struct {
	router    http.Handler
	apps      map[tencent.SDKAppID]appWithHashes
	claims    *dedupe.Store
	limits    Limits
	workflows WorkflowStarter
	commands  map[tencent.Command]commandHandler
	evidence  Evidence // nil unless it is kept
	metrics   *metrics
	refusals  *refusalLog
	logger    *slog.Logger
	now       func() time.Time // for durations
	// clock is what the time of signatures and probes is compared with.
	clock func() time.Time

	starts     singleflight.Group
	starting   map[tencent.SDKAppID]*places.Places
	unaccepted *unaccepted

	// relays are the starts of relays and the rechecks that no answer waits for.
	relays     sync.WaitGroup
	relaySlots chan struct{}
}

// appWithHashes keeps the hashes of the secrets, so that comparing takes the same
// time for secrets of any length.
type appWithHashes struct {
	App
	secretHashes [][sha256.Size]byte
}

// secret returns the index of the secret with the hash, -1 if it has none. It
// compares with all of them.
func (a *appWithHashes) secret(hash [sha256.Size]byte) int {
	found := -1
	for i := range a.secretHashes {
		found = subtle.ConstantTimeSelect(subtle.ConstantTimeCompare(a.secretHashes[i][:], hash[:]), i, found)
	}
	return found
}

// New returns the handler of the public listener. Unknown paths are answered
// exactly like a wrong secret.
func New(apps []App, claims *dedupe.Store, limits Limits, starter WorkflowStarter, reg prometheus.Registerer, logger *slog.Logger) *Handler {
	limits.Answer = cmp.Or(limits.Answer, DefaultAnswerTimeout)
	h := &Handler{
		apps: make(map[tencent.SDKAppID]appWithHashes, len(apps)), claims: claims, limits: limits, workflows: starter,
		metrics: newMetrics(reg), refusals: newRefusalLog(logger), logger: logger, now: time.Now, clock: time.Now, relaySlots: make(chan struct{}, maxRelayStarts), starting: make(map[tencent.SDKAppID]*places.Places, len(apps)),
	}
	h.unaccepted = newUnaccepted(h.metrics.unaccepted, logger)
	h.commands = h.commandHandlers()
	for _, app := range apps {
		known := appWithHashes{App: app}
		for _, secret := range app.Secrets {
			known.secretHashes = append(known.secretHashes, sha256.Sum256([]byte(secret)))
		}
		h.apps[app.ID] = known
		h.starting[app.ID] = places.NewAdaptive(minStarts, maxStarts, quickStart)
		h.metrics.addApp(app.Name, len(app.Relay) > 0)
	}
	h.router = h.routes()
	return h
}

// UseClock compares the time of signatures and probes with now in place of this
// process's clock. Call it before the first request.
func (h *Handler) UseClock(now func() time.Time) { h.clock = now }

func (h *Handler) routes() http.Handler {
	r := mux.NewRouter().SkipClean(true)
	r.PathPrefix(PathPrefix).HandlerFunc(h.serveCallback)
	if h.hasRooms() {
		r.PathPrefix(RoomPathPrefix).HandlerFunc(h.serveRoom)
	}
	r.NotFoundHandler = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { h.write(w, notFound(), h.now()) })
	return r
}

// ServeHTTP answers one request.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) { h.router.ServeHTTP(w, r) }

// Close waits until the relays and rechecks of answered callbacks have been started, at most
// for relayBudget. Call it after the last answer.
func (h *Handler) Close() {
	h.relays.Wait()
	h.unaccepted.stop()
}

func (h *Handler) serveCallback(w http.ResponseWriter, r *http.Request) {
	start := h.now()
	h.write(w, h.handle(w, r, time.Now().Add(h.limits.Answer)), start)
}

// handle checks a callback, the cheapest checks first, and passes it to the
// handler of its command. Redis and Temporal are not asked before the sender
// is authenticated.
func (h *Handler) handle(w http.ResponseWriter, r *http.Request, deadline time.Time) reply {
	body, secretHash, refusal := h.receive(w, r, PathPrefix, deadline)
	if refusal != nil {
		return *refusal
	}
	query := tencent.ParseQuery(r.URL.RawQuery)
	id, err := query.SDKAppID()
	if err != nil {
		return refuse(http.StatusForbidden, err.Error())
	}
	app := h.apps[id]
	secret := app.secret(secretHash)
	if secret < 0 {
		return refuse(http.StatusForbidden, "SdkAppid: not an app of this URL")
	}
	h.countOld(app.Name, "secret", secret)
	if len(app.Tokens) > 0 {
		signer, err := tencent.VerifyCallbackSign(query, app.Tokens, h.clock())
		if err != nil {
			return refuse(http.StatusUnauthorized, err.Error()).forApp(app.App)
		}
		h.countOld(app.Name, "token", signer)
	}
	cb, err := tencent.DecodeCallback(query, body)
	if err != nil {
		return refuse(http.StatusBadRequest, err.Error()).forApp(app.App)
	}
	h.countDropped(r.Context(), app.Name, cb)
	relay := h.startRelay(r, app.App, cb, body)
	handleCommand, ok := h.commands[cb.Command]
	if !ok || (aboutMembers[cb.Command] && !h.keepsMembers(app.App)) {
		return relay.reply(deadline).forApp(app.App)
	}
	// A sender that hangs up must not cancel what the callback starts.
	ctx := context.WithoutCancel(tracing.WithCall(r.Context(), cb.CallID))
	answer := handleCommand(ctx, deadline, app.App, cb, body)
	if relay != nil && aboutMembers[cb.Command] && answer.status == http.StatusOK {
		answer = relay.reply(deadline) // no sweep finds what is not relayed
	}
	return answer.forApp(app.App)
}

// receive checks what a request must be before it is known of which app it is, and
// reads its body and the hash of the secret in its path.
func (h *Handler) receive(w http.ResponseWriter, r *http.Request, prefix string, deadline time.Time) (body []byte, secretHash [sha256.Size]byte, refusal *reply) {
	refused := func(r reply) ([]byte, [sha256.Size]byte, *reply) { return nil, secretHash, &r }
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		return refused(refuse(http.StatusMethodNotAllowed, "method: use POST"))
	}
	if len(r.URL.RawQuery) > maxQuerySize {
		return refused(refuse(http.StatusRequestURITooLong, "query: larger than 4 KiB"))
	}
	if len(r.Header.Get("Content-Type")) > maxContentTypeSize {
		return refused(refuse(http.StatusBadRequest, "Content-Type: longer than 256 bytes"))
	}
	body, err := readBody(w, r, deadline.Add(-confirmBudget))
	if err != nil {
		return refused(refuseBody(err))
	}
	secretHash = sha256.Sum256([]byte(strings.TrimPrefix(r.URL.Path, prefix)))
	if !h.anySecret(secretHash) {
		return refused(notFound())
	}
	return body, secretHash, nil
}

// anySecret reports whether the hash is that of an app's secret. It compares
// with all of them, whatever it finds on the way.
func (h *Handler) anySecret(hash [sha256.Size]byte) bool {
	found := false
	for _, app := range h.apps {
		found = app.secret(hash) >= 0 || found
	}
	return found
}

// countOld counts a callback that came with another secret or token than the
// first, so that an operator sees when nothing uses it any more.
func (h *Handler) countOld(app, credential string, index int) {
	if index > 0 {
		h.metrics.old.WithLabelValues(app, credential).Inc()
	}
}
