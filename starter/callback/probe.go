package callback

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"aftercall/internal/tencent"
)

// CommandProbe is the command of a probe: a callback that aftercall posts itself, to
// see that callbacks arrive. It is no call and is not relayed. Only who knows the
// app's secret_key can make one, so a stranger who knows the callback URL gets
// nothing by it, not even a request to Temporal.
const CommandProbe tencent.Command = "Call.AftercallProbe"

// ProbeResult is what a starter says in the answer to a probe.
type ProbeResult struct {
	// Redis and Temporal say what is wrong with them for the starter; empty if
	// nothing is.
	Redis    string `json:"redis"`
	Temporal string `json:"temporal"`
	// Workers is how many workers poll the task queue in which the starter starts
	// workflows.
	Workers int `json:"workers"`
}

// Probe is a probe of one app.
type Probe struct {
	app   tencent.SDKAppID
	key   string
	nonce string
	at    int64
}

// probeBody is what is posted.
type probeBody struct {
	CallbackCommand tencent.Command
	Nonce           string
	Time            int64
	Mac             string
}

// probeAnswer is Tencent's answer with a result, whose Mac proves that it comes
// from a starter of the app and is for this probe.
type probeAnswer struct {
	tencent.Answer
	Result string
	Mac    string
}

// NewProbe returns a probe. key is the app's secret_key.
func NewProbe(app tencent.SDKAppID, key string, now time.Time) Probe {
	return Probe{app: app, key: key, nonce: rand.Text(), at: now.Unix()}
}

// Request is the POST of the probe to a callback URL, signed with token as Tencent
// does, unless it is empty.
func (p Probe) Request(ctx context.Context, address, token string) (*http.Request, error) {
	query := url.Values{"SdkAppid": {p.app.String()}, "CallbackCommand": {string(CommandProbe)}}
	if token != "" {
		at := strconv.FormatInt(p.at, 10)
		query.Set("RequestTime", at)
		query.Set("Sign", tencent.CallbackSign(token, at))
	}
	body, err := json.Marshal(probeBody{CommandProbe, p.nonce, p.at, p.mac()})
	if err != nil {
		return nil, fmt.Errorf("probe: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address+"?"+query.Encode(), strings.NewReader(string(body)))
	if err != nil {
		return nil, errors.New("probe: the callback URL cannot be read") // err repeats it, with the secret
	}
	req.Header.Set("Content-Type", "application/json")
	return req, nil
}

// ErrNotAnswered is returned for an answer that is not a starter's to this probe.
var ErrNotAnswered = errors.New("the answer is not that of a starter with this app's secret_key")

// Result reads the answer to the probe.
func (p Probe) Result(body []byte) (r ProbeResult, err error) {
	var answer probeAnswer
	if json.Unmarshal(body, &answer) != nil || !hmac.Equal([]byte(answer.Mac), []byte(p.answerMac(answer.Result))) {
		return r, ErrNotAnswered
	}
	if err := json.Unmarshal([]byte(answer.Result), &r); err != nil {
		return r, fmt.Errorf("probe: %w", err)
	}
	return r, nil
}

func (p Probe) mac() string { return p.sign("aftercall probe") }

func (p Probe) answerMac(result string) string { return p.sign("aftercall probe answer", result) }

func (p Probe) sign(what string, more ...string) string {
	h := hmac.New(sha256.New, []byte(p.key))
	fmt.Fprintf(h, "%s\n%s\n%s\n%d\n%s", what, p.app, p.nonce, p.at, strings.Join(more, "\n"))
	return hex.EncodeToString(h.Sum(nil))
}

// handleProbe answers a probe with what the starter can reach. It has come the way
// of any other callback by then: method, secret, app, signature and command are right.
func (h *Handler) handleProbe(ctx context.Context, deadline time.Time, app App, _ tencent.Callback, body []byte) reply {
	var wire probeBody
	if err := json.Unmarshal(body, &wire); err != nil {
		return refuse(http.StatusBadRequest, "body: is not a probe")
	}
	p := Probe{app: app.ID, key: app.ProbeKey, nonce: wire.Nonce, at: wire.Time}
	if p.key == "" || !hmac.Equal([]byte(wire.Mac), []byte(p.mac())) {
		return refuse(http.StatusForbidden, "Mac: the probe was not made with the secret_key of this app")
	}
	if age := h.clock().Sub(time.Unix(p.at, 0)).Abs(); age > tencent.MaxSignAge {
		return refuse(http.StatusForbidden, "Time: differs from this clock by more than 60 seconds: check the clocks")
	}
	ctx, cancel := context.WithDeadline(ctx, deadline.Add(-confirmBudget))
	defer cancel()
	result, err := json.Marshal(h.reach(ctx))
	if err != nil {
		h.logger.ErrorContext(ctx, "a probe could not be answered", "error", err) // three plain fields: not expected
		return unavailable()
	}
	answer, err := json.Marshal(probeAnswer{tencent.AnswerOK(), string(result), p.answerMac(string(result))})
	if err != nil {
		h.logger.ErrorContext(ctx, "a probe could not be answered", "error", err) // as above
		return unavailable()
	}
	return reply{status: http.StatusOK, body: answer, outcome: outcomeProbe}
}

// reach asks Redis and Temporal.
func (h *Handler) reach(ctx context.Context) (r ProbeResult) {
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := h.claims.Ping(ctx); err != nil {
			r.Redis = err.Error()
		}
	})
	wg.Go(func() {
		workers, err := h.workflows.Workers(ctx)
		if err != nil {
			r.Temporal = err.Error()
		}
		r.Workers = workers
	})
	wg.Wait()
	return r
}
