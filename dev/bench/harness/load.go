package harness

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"time"

	vegeta "github.com/tsenart/vegeta/v12/lib"

	"aftercall/dev/tencentsim"
	"aftercall/internal/tencent"
)

// The loads of a comparison.
const (
	BurnDown = "burn-down"
	Steady   = "steady"
	Killed   = "killed"
)

// Load is what is sent.
type Load struct {
	Name  string
	Calls int
	// Rate is calls per second, at constant distances whatever the answers
	// do; 0 sends as fast as the answers come, over burstSenders connections.
	Rate int
	// Deliveries is how many times the callback of a call comes.
	Deliveries int
	// Kill kills the service when half of the webhooks have come.
	Kill bool
}

const (
	burstSenders = 32
	// senderTimeout is that of Tencent's neighbouring products.
	senderTimeout = 2 * time.Second
	// burstEndedAgo leaves a wait of up to a second: whoever waits with a timer
	// needs one here too.
	burstEndedAgo = 4
	// indexParameter tells which call a request was about. Receivers ignore it.
	indexParameter = "bench"
)

// sender posts the callbacks of a load.
type sender struct {
	world *world
	load  Load
	port  int

	mu        sync.Mutex
	hits      int
	calls     []placed
	sentAt    []time.Time
	accepted  []bool
	latencies []time.Duration
	refused   int
	err       error
}

// next places the next call, or repeats the callback of the last one.
func (s *sender) next(t *vegeta.Target) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := s.hits / s.load.Deliveries
	if i >= s.load.Calls || s.err != nil {
		return vegeta.ErrNoTargets
	}
	if i == len(s.calls) {
		call, err := s.place(i)
		if err != nil {
			s.err = err
			return err
		}
		s.calls, s.sentAt, s.accepted = append(s.calls, call), append(s.sentAt, time.Now()), append(s.accepted, false)
	}
	s.hits++
	t.Method, t.URL, t.Body = http.MethodPost, s.url(i), s.calls[i].body
	t.Header = http.Header{"Content-Type": {"application/json"}}
	return nil
}

func (s *sender) url(i int) string {
	return callbackURL(s.port, s.calls[i].app) + "&" + indexParameter + "=" + strconv.Itoa(i)
}

// place lets a call end, and writes the callback that Tencent would post now.
func (s *sender) place(i int) (placed, error) {
	spec := tencentsim.CallSpec{SDKAppID: s.world.app(i), Seconds: 61, Lose: true}
	if s.load.Rate == 0 {
		spec.EndedAgoSeconds = burstEndedAgo
	}
	call, err := s.world.tencent.PlaceCall(spec)
	if err != nil {
		return placed{}, err
	}
	// The record has whole seconds of the end, the event milliseconds.
	cb := tencent.Callback{
		Command: tencent.CommandAfterEndCall, Record: call.Record,
		EventTime: call.PlacedAt.UnixMilli() - 1000*spec.EndedAgoSeconds,
	}
	body, err := json.Marshal(struct {
		CallbackCommand tencent.Command
		CallRecord      tencent.CallRecord
		EventTime       int64
	}{cb.Command, cb.Record, cb.EventTime})
	return placed{id: cb.Record.CallID, app: call.SDKAppID, body: body, readyAt: cb.EndedAt().Add(settle)}, err
}

// settle is after which a record can be read.
const settle = 5 * time.Second

// send posts everything, at the rate of the load, unless ctx ends before.
func (s *sender) send(ctx context.Context) error {
	options := []func(*vegeta.Attacker){vegeta.Timeout(senderTimeout), vegeta.KeepAlive(true), vegeta.Connections(1000)}
	pacer := vegeta.Pacer(vegeta.ConstantPacer{Freq: s.load.Rate * s.load.Deliveries, Per: time.Second})
	if s.load.Rate == 0 {
		options = append(options, vegeta.Workers(burstSenders), vegeta.MaxWorkers(burstSenders))
	}
	attacker := vegeta.NewAttacker(options...)
	defer context.AfterFunc(ctx, func() { attacker.Stop() })()
	var first time.Time
	for r := range attacker.Attack(s.next, pacer, 0, "") {
		if r.URL == "" { // the end of the targets
			continue
		}
		latency := r.Latency
		if s.load.Rate > 0 {
			// From when it was due: a sender that was held up hides nothing.
			offset := time.Duration(r.Seq) * time.Second / time.Duration(s.load.Rate*s.load.Deliveries)
			if start := r.Timestamp.Add(-offset); first.IsZero() || start.Before(first) {
				first = start
			}
			latency = max(latency, r.Timestamp.Add(r.Latency).Sub(first.Add(offset)))
		}
		s.answered(r, latency)
	}
	return errors.Join(s.err, ctx.Err())
}

func (s *sender) answered(r *vegeta.Result, latency time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.Code != http.StatusOK {
		s.refused++
		return
	}
	s.latencies = append(s.latencies, latency)
	u, err := url.Parse(r.URL)
	if err != nil {
		s.err = err
		return
	}
	i, err := strconv.Atoi(u.Query().Get(indexParameter))
	if err != nil {
		s.err = err
		return
	}
	s.accepted[i] = true
}

// resend posts again what was not acknowledged, until it is: an at-least-once
// sender.
func (s *sender) resend(ctx context.Context) error {
	client := &http.Client{Timeout: senderTimeout}
	for i := range s.calls {
		for !s.accepted[i] {
			err := s.post(ctx, client, i)
			if s.accepted[i] = err == nil; s.accepted[i] {
				break
			}
			select {
			case <-ctx.Done():
				return fmt.Errorf("a callback is not accepted: %w", errors.Join(err, ctx.Err()))
			case <-time.After(100 * time.Millisecond):
			}
		}
	}
	return nil
}

func (s *sender) post(ctx context.Context, client *http.Client, i int) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url(i), bytes.NewReader(s.calls[i].body))
	if err != nil {
		return err
	}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("answered %d", resp.StatusCode)
	}
	return nil
}

// ready is when the wait of every call ends, or would if it was accepted late.
func (s *sender) ready() map[string]time.Time {
	at := make(map[string]time.Time, len(s.calls))
	for _, call := range s.calls {
		at[call.id] = call.readyAt
	}
	return at
}

func (s *sender) acceptedIDs() []string {
	ids := make([]string, 0, len(s.calls))
	for i, call := range s.calls {
		if s.accepted[i] {
			ids = append(ids, call.id)
		}
	}
	return ids
}
