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

// Load describes the callbacks that are sent.
type Load struct {
	Name  string
	Calls int
	// Rate is the number of calls per second, at constant intervals however long
	// the answers take; 0 sends as fast as the answers come, over burstSenders
	// connections.
	Rate int
	// Copies is how many times the callback of a call is posted.
	Copies int
	// Kill kills the service when half of the webhooks have arrived.
	Kill bool
}

const (
	burstSenders = 32
	// senderTimeout is the callback timeout of Tencent's other products.
	senderTimeout = 2 * time.Second
	// burstEndedAgo is how many seconds ago the calls of a burst ended. It leaves
	// a wait of up to a second, so that contestants with a timer need it here too.
	burstEndedAgo = 4
	// indexParameter is a query parameter with the index of the call. Receivers
	// ignore it.
	indexParameter = "bench"
)

// sender posts the callbacks of a load.
type sender struct {
	simulators *simulators
	load       Load
	port       int

	mu        sync.Mutex
	hits      int
	calls     []endedCall
	sentAt    []time.Time
	accepted  []bool
	latencies []time.Duration
	refused   int
	err       error
}

// next returns a request with the callback of the next call, or another copy of
// the last one.
func (s *sender) next(t *vegeta.Target) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := s.hits / s.load.Copies
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

// place simulates a call that has ended, with the callback that Tencent would
// post now.
func (s *sender) place(i int) (endedCall, error) {
	spec := tencentsim.CallSpec{SDKAppID: s.simulators.app(i), Seconds: 61, Lose: true}
	if s.load.Rate == 0 {
		spec.EndedAgoSeconds = burstEndedAgo
	}
	call, err := s.simulators.tencent.PlaceCall(spec)
	if err != nil {
		return endedCall{}, err
	}
	// The record has the end in seconds, the callback in milliseconds.
	cb := tencent.Callback{
		Command: tencent.CommandAfterEndCall, Record: call.Record,
		EventTime: call.PlacedAt.UnixMilli() - 1000*spec.EndedAgoSeconds,
	}
	body, err := json.Marshal(struct {
		CallbackCommand tencent.Command
		CallRecord      tencent.CallRecord
		EventTime       int64
	}{cb.Command, cb.Record, cb.EventTime})
	return endedCall{id: cb.Record.CallID, app: call.SDKAppID, body: body, readyAt: cb.EndedAt().Add(recordDelay)}, err
}

// recordDelay is how long after its end the record of a call can be read.
const recordDelay = 5 * time.Second

// send posts all callbacks at the rate of the load, until ctx ends.
func (s *sender) send(ctx context.Context) error {
	options := []func(*vegeta.Attacker){vegeta.Timeout(senderTimeout), vegeta.KeepAlive(true), vegeta.Connections(1000)}
	pacer := vegeta.Pacer(vegeta.ConstantPacer{Freq: s.load.Rate * s.load.Copies, Per: time.Second})
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
			// Measured from when the request was due, so that a delayed sender
			// does not hide slow answers.
			offset := time.Duration(r.Seq) * time.Second / time.Duration(s.load.Rate*s.load.Copies)
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

// resend posts unacknowledged callbacks again until they are acknowledged.
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
				return fmt.Errorf("a callback is not acknowledged: %w", errors.Join(err, ctx.Err()))
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

// ready returns when the record of each call is ready, by CallId.
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
