package tencentsim

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/worker"

	"aftercall/activities"
	"aftercall/internal/billing"
	"aftercall/internal/dedupe"
	"aftercall/internal/ledger"
	"aftercall/internal/redisguard"
	"aftercall/internal/sweep"
	"aftercall/internal/tencent"
	starter "aftercall/starter/callback"
	"aftercall/workflows"
)

const (
	oddApp    tencent.SDKAppID = 1400000000
	oddSecret                  = "path-secret"
)

// oddWorld is everything that a call passes, without Temporal's server: the
// simulator, the callback handler, the workflow in its test environment, the
// activities, and a ledger.
type oddWorld struct {
	t          *testing.T
	simulator  *Simulator
	client     *tencent.Client
	receiver   *httptest.Server
	activities *activities.Activities
	ledger     *ledger.Ledger
	reads      map[string]int // requests for records, by CallId

	mu      sync.Mutex
	started map[string]workflows.AfterCallParams
}

func newOddWorld(t *testing.T) *oddWorld {
	t.Helper()
	w := &oddWorld{t: t, started: map[string]workflows.AfterCallParams{}, reads: map[string]int{}}
	logger, reg := slog.New(slog.DiscardHandler), prometheus.NewRegistry()
	var err error
	w.simulator, err = New(t.Context(), Options{Apps: []App{{SDKAppID: oddApp, SecretKey: "key"}}, CallbackTimeout: waitFor})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, w.simulator.Close()) })
	w.simulator.limit = 1 << 30
	rest := httptest.NewServer(w.simulator)
	t.Cleanup(rest.Close)
	w.client = tencent.NewClient(tencent.ClientOptions{
		SDKAppID: oddApp, BaseURL: rest.URL, Identifier: DefaultAdministrator, SecretKey: "key", HTTP: tencent.NewHTTPClient(4),
	})

	rdb, err := redisguard.NewClient("redis://"+miniredis.RunT(t).Addr(), redisguard.PatientTimeout)
	require.NoError(t, err)
	guard := redisguard.New(t.Context(), rdb, reg, logger)
	t.Cleanup(func() {
		guard.Close()
		require.NoError(t, rdb.Close())
	})
	w.receiver = httptest.NewServer(starter.New([]starter.App{{
		ID: oddApp, Name: "clinic", Secrets: []string{oddSecret},
	}}, dedupe.New(guard, dedupe.DefaultWindow, time.Now, reg), starter.Limits{Answer: waitFor}, w, reg, logger))
	t.Cleanup(w.receiver.Close)
	require.NoError(t, w.client.SetCallback(t.Context(), tencent.CallbackConfig{
		URL: w.receiver.URL + starter.PathPrefix + oddSecret, Commands: []tencent.Command{tencent.CommandAfterEndCall},
	}))

	w.ledger, err = ledger.Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "ledger.db"), ledger.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, w.ledger.Close()) })
	price, err := billing.ParseDecimal("0.12")
	require.NoError(t, err)
	rater, err := billing.NewRater("standard", billing.Tariff{Currency: "USD", Versions: []billing.Version{{
		EffectiveFrom: time.Unix(0, 0), Rules: []billing.Rule{{RatePerMinute: price, FirstInterval: 60, NextInterval: 60}},
	}}})
	require.NoError(t, err)
	w.activities = activities.New([]activities.App{{ID: oddApp, Name: "clinic", Records: w, Rater: rater}}, w, nil, w.forget, w.fold, reg)
	return w
}

// forget is an activities.ForgetCallbacks. There is no Redis here.
func (*oddWorld) fold(context.Context, activities.App, string) (bool, error) { return false, nil }

func (*oddWorld) forget(context.Context, tencent.SDKAppID, string) error { return nil }

// Record implements activities.Records.
func (w *oddWorld) Record(ctx context.Context, callID string) (tencent.CallRecord, error) {
	w.mu.Lock()
	w.reads[callID]++
	w.mu.Unlock()
	return w.client.Record(ctx, callID)
}

// Charge implements activities.Ledger. The test environment has no run IDs.
func (w *oddWorld) Charge(ctx context.Context, e ledger.Entry) (ledger.Entry, bool, error) {
	e.FirstRunID = "run of " + e.Record.CallID
	return w.ledger.Charge(ctx, e)
}

// Get implements activities.Ledger.
func (w *oddWorld) Get(ctx context.Context, app tencent.SDKAppID, callID string) ([]ledger.Entry, error) {
	return w.ledger.Get(ctx, app, callID)
}

// Start implements starter.WorkflowStarter. Like the real one, it encodes the
// parameters.
func (w *oddWorld) Start(_ context.Context, p workflows.AfterCallParams, _ string) (bool, error) {
	data, err := json.Marshal(p)
	if err != nil {
		return false, err
	}
	var decoded workflows.AfterCallParams
	if err := json.Unmarshal(data, &decoded); err != nil {
		return false, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	_, already := w.started[p.CallID]
	if !already {
		w.started[p.CallID] = decoded
	}
	return already, nil
}

func (w *oddWorld) StartRelay(context.Context, activities.RelayCallbackParams) (bool, error) {
	return false, nil
}

// Recheck does nothing: no workflow waits for its record.
func (w *oddWorld) Recheck(context.Context, tencent.SDKAppID, string) error { return nil }

// Workers is asked by probes only.
func (w *oddWorld) Workers(context.Context) (int, error) { return 1, nil }

// Started is asked by no test: no callback comes twice.
func (w *oddWorld) Started(context.Context, tencent.SDKAppID, string) (workflows.StartedCall, error) {
	return workflows.StartedCall{}, nil
}

// place places an odd call for each of the specs, between calls that are not odd.
// It returns the CallIds of both.
func (w *oddWorld) place(specs []CallSpec) (odd []string, good map[string]bool) {
	w.t.Helper()
	good = map[string]bool{}
	place := func(spec CallSpec) string {
		spec.SDKAppID, spec.Seconds, spec.EndedAgoSeconds, spec.RecordAfterSeconds = oddApp, 61, 60, -1
		call, err := w.simulator.PlaceCall(spec)
		require.NoError(w.t, err)
		return call.Record.CallID
	}
	for _, spec := range specs {
		good[place(CallSpec{Lose: spec.Lose})] = true
		odd = append(odd, place(spec))
	}
	ctx, cancel := context.WithTimeout(w.t.Context(), time.Minute)
	defer cancel()
	require.NoError(w.t, w.simulator.Wait(ctx))
	return odd, good
}

// startListed starts the workflows of the calls that a sweep would find, and
// returns the rows that belong to no call.
func (w *oddWorld) startListed() []tencent.RecordRow {
	w.t.Helper()
	now := time.Now().Truncate(time.Second)
	var unreadable []tencent.RecordRow
	for windows := []sweep.Window{{From: now.Add(-time.Hour), To: now}}; len(windows) > 0; {
		window := windows[0]
		windows = windows[1:]
		listing, err := sweep.List(w.t.Context(), w.client, window, func() {})
		if errors.Is(err, sweep.ErrWindowTooLarge) {
			halves, ok := window.Halves()
			require.True(w.t, ok, "a window of one second can be listed")
			windows = append(windows, halves...)
			continue
		}
		require.NoError(w.t, err)
		for _, record := range listing.Records() {
			_, err := w.Start(w.t.Context(), workflows.AfterCallParams{
				SDKAppID: oddApp, App: "clinic", CallID: record.CallID, Source: workflows.SourceSweep, Listed: &record,
			}, "")
			require.NoError(w.t, err)
		}
		unreadable = append(unreadable, listing.Unreadable...)
	}
	return unreadable
}

// run runs the workflow of a call to its end. A review is returned, and waived by
// a person an hour later.
func (w *oddWorld) run(callID string) *workflows.ReviewStatus {
	w.t.Helper()
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(log.NewStructuredLogger(slog.New(slog.DiscardHandler)))
	env := suite.NewTestWorkflowEnvironment()
	env.SetStartTime(time.Now())
	env.SetTestTimeout(time.Minute)
	env.SetWorkerOptions(worker.Options{DeadlockDetectionTimeout: time.Minute}) // a busy machine is no deadlock
	workflows.Register(env, workflows.Dependencies{Activities: w.activities, Sweeps: activities.NewSweeps(nil, nil, nil, prometheus.NewRegistry())})
	var review *workflows.ReviewStatus
	waived := &updated{}
	env.RegisterDelayedCallback(func() {
		var status workflows.Status
		value, err := env.QueryWorkflow(workflows.QueryStatus)
		require.NoError(w.t, err)
		require.NoError(w.t, value.Get(&status))
		require.Equal(w.t, workflows.StageReview, status.Stage, "an hour later, a call is charged or in review")
		review = status.Review
		env.UpdateWorkflow(workflows.UpdateDecide, uuid.NewString(), waived, workflows.DecideParams{Verdict: billing.VerdictWaive, By: "alice", Reason: "odd"})
	}, time.Hour)
	env.ExecuteWorkflow(workflows.AfterCallName, w.started[callID])
	require.True(w.t, env.IsWorkflowCompleted())
	require.NoError(w.t, waived.err)
	require.NoError(w.t, env.GetWorkflowError())
	return review
}

type updated struct{ err error }

func (*updated) Accept()                     {}
func (u *updated) Reject(err error)          { u.err = err }
func (u *updated) Complete(_ any, err error) { u.err = err }

// requireChargedOnce requires that each call has exactly one entry, of the price of
// 61 s.
func (w *oddWorld) requireChargedOnce(callIDs map[string]bool) {
	w.t.Helper()
	for callID := range callIDs {
		entries, err := w.ledger.Get(w.t.Context(), oddApp, callID)
		require.NoError(w.t, err)
		require.Len(w.t, entries, 1)
		require.Equal(w.t, "0.24", entries[0].Charge.Amount.Number())
	}
}

// requireNamed requires that problems are about the field.
func (w *oddWorld) requireNamed(o Oddity, problems []tencent.FieldError) {
	w.t.Helper()
	for _, p := range problems {
		field, _, _ := strings.Cut(p.Field, "[")
		require.Equal(w.t, o.Field, field, "%s: %+v", o, problems)
	}
}

// TestOddRecordsAreIsolated makes each field of a record odd in each way, where it
// is read and where it is listed. Every other call is charged exactly once; the odd
// one is charged or in review, with the field's name, or listed as unreadable.
func TestOddRecordsAreIsolated(t *testing.T) {
	for _, field := range recordFields {
		t.Run(field, func(t *testing.T) { testOddField(t, field, false) })
		t.Run(field+", listed", func(t *testing.T) { testOddField(t, field, true) })
	}
}

// testOddField makes one field odd in each way. With lose, the calls are known only
// from the list.
func testOddField(t *testing.T, field string, lose bool) {
	t.Helper()
	w := newOddWorld(t)
	oddities := Oddities(field)
	specs := make([]CallSpec, len(oddities))
	for i, o := range oddities {
		specs[i] = CallSpec{OddRecord: []Oddity{o}, Lose: lose}
	}
	odd, good := w.place(specs)
	unreadable := w.startListed()
	for callID := range good {
		require.Contains(t, w.started, callID)
		require.Nil(t, w.run(callID))
	}
	w.requireChargedOnce(good)
	reviewed := map[OddKind]bool{}
	for i, callID := range odd {
		if _, ok := w.started[callID]; !ok {
			require.Equal(t, "CallId", field, "only a row without its CallId is not a call")
			continue
		}
		if review := w.run(callID); review != nil {
			reviewed[oddities[i].Kind] = true
			w.requireNamed(oddities[i], review.Unreadable)
			require.Equal(t, len(review.Unreadable) > 0, review.Raw != "")
		}
		require.LessOrEqual(t, w.reads[callID], 2, "what cannot change is not retried")
		entries, err := w.ledger.Get(t.Context(), oddApp, callID)
		require.NoError(t, err)
		require.Len(t, entries, 1)
	}
	for _, row := range unreadable {
		require.NotEmpty(t, row.Hash)
		w.requireNamed(Oddity{Field: "CallId"}, row.Problems)
	}
	switch field {
	case "CallId":
		require.NotEmpty(t, unreadable)
	case "StartTime", "EndTime", "AcceptTime", "RoomIdType":
		require.Empty(t, unreadable)
		for _, kind := range []OddKind{OddAsText, OddFloat, OddExponent} {
			require.False(t, reviewed[kind], "the number is read from %s", kind)
		}
		fallthrough
	default:
		require.True(t, reviewed[OddDuplicate])
		require.True(t, reviewed[OddObject])
	}
}

// TestOddCallbacksAreIsolated makes each field of a callback odd in each way. Every
// other call starts by its callback; the odd callback is accepted, or refused with
// the field's name, and then its call is found by the sweep.
func TestOddCallbacksAreIsolated(t *testing.T) {
	w := newOddWorld(t)
	oddities := append(RecordOddities(), Oddities("CallbackCommand", "CallRecord", "EventTime")...)
	specs := make([]CallSpec, len(oddities))
	for i, o := range oddities {
		specs[i] = CallSpec{OddCallback: []Oddity{o}}
	}
	odd, good := w.place(specs)
	for callID := range good {
		require.Equal(t, workflows.SourceCallback, w.started[callID].Source)
	}
	for i, callID := range odd {
		call, ok := w.simulator.Call(oddApp, callID)
		require.True(t, ok)
		require.Len(t, call.Callbacks, 1)
		posted, o := call.Callbacks[0], oddities[i]
		switch {
		case posted.Status == http.StatusOK:
			if o.Field != "CallId" {
				require.Contains(t, w.started, callID)
			}
		case o.Kind == OddHuge:
			// A sender that still writes when the connection is closed may not read the answer.
			require.Contains(t, []int{http.StatusRequestEntityTooLarge, 0}, posted.Status)
		default:
			require.Equal(t, http.StatusBadRequest, posted.Status, "%s: %s", o, posted.Answer)
			require.Contains(t, []string{"CallId", "CallRecord", "CallbackCommand"}, o.Field, "%s: only what identifies the call is needed", o)
			require.Contains(t, posted.Answer, o.Field)
		}
	}
	require.Empty(t, w.startListed())
	all := good
	for _, callID := range odd {
		all[callID] = true
	}
	for callID := range w.started {
		review := w.run(callID)
		require.Equal(t, !all[callID], review != nil, "a call that does not exist is reviewed")
	}
	w.requireChargedOnce(all)
}

// TestOddCallbacksOfOtherCommandsAreIgnored: nothing of them is needed but the
// command.
func TestOddCallbacksOfOtherCommandsAreIgnored(t *testing.T) {
	w := newOddWorld(t)
	call, err := w.simulator.PlaceCall(CallSpec{SDKAppID: oddApp, Seconds: 61, Lose: true})
	require.NoError(t, err)
	started, err := startCallBody(call.Record)
	require.NoError(t, err)
	changed, err := memberChangedBody(call.Record, call.Record.AcceptTime, call.Record.Members[1], actionAnswer)
	require.NoError(t, err)
	for command, body := range map[tencent.Command][]byte{tencent.CommandAfterStartCall: started, tencent.CommandAfterMemberChanged: changed} {
		for _, o := range Oddities("CallbackCommand", "CallInfo", "CallId", "UserList", "ChangedUserList", "MediaType", "RoomId", "EventTime") {
			if o.Kind == OddHuge {
				continue // 413, whatever the field
			}
			odd, err := o.Apply(body)
			require.NoError(t, err)
			target := w.receiver.URL + starter.PathPrefix + oddSecret + "?SdkAppid=" + oddApp.String() + "&CallbackCommand=" + string(command)
			status, answer, err := w.simulator.post(target, odd)
			require.NoError(t, err)
			if status != http.StatusOK {
				require.Equal(t, "CallbackCommand", o.Field, "%s: %d %s", o, status, answer)
				require.Contains(t, answer, "CallbackCommand")
			}
		}
	}
	require.Empty(t, w.started)
}

// TestOddAnswersAreNoOutage makes the envelope and the response of each API odd. An
// answer that reports success is used, or is an error that is not retried.
func TestOddAnswersAreNoOutage(t *testing.T) {
	w := newOddWorld(t)
	call, err := w.simulator.PlaceCall(CallSpec{SDKAppID: oddApp, Seconds: 61, EndedAgoSeconds: 60, RecordAfterSeconds: -1, Lose: true})
	require.NoError(t, err)
	var odd Oddity
	rest := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		recorded := httptest.NewRecorder()
		w.simulator.ServeHTTP(recorded, r)
		body, err := odd.Apply(recorded.Body.Bytes())
		if err != nil {
			rw.WriteHeader(http.StatusTeapot)
		}
		_, _ = rw.Write(body)
	}))
	defer rest.Close()
	client := tencent.NewClient(tencent.ClientOptions{
		SDKAppID: oddApp, BaseURL: rest.URL, Identifier: DefaultAdministrator, SecretKey: "key", HTTP: tencent.NewHTTPClient(4),
	})
	ask := map[string]func() error{
		"record": func() error { _, err := client.Record(t.Context(), call.Record.CallID); return err },
		"list": func() error {
			now := time.Now()
			_, err := client.Records(t.Context(), tencent.RecordFilter{StartTime: now.Add(-time.Hour).Unix(), EndTime: now.Unix(), Page: 1, NumberPerPage: 10})
			return err
		},
		"callback": func() error { _, err := client.Callback(t.Context()); return err },
		"delete":   func() error { return client.DeleteCallback(t.Context()) },
	}
	for _, api := range []string{"record", "list", "callback", "delete"} {
		for _, odd = range Oddities("ErrorInfo", "ActionStatus", "RequestId", "Response", "CallRecord", "TotalNum", "Page", "CallRecordList", "Url", "CallbackCommandList") {
			err := ask[api]()
			var record *tencent.UnreadableRecordError
			var answer *tencent.UnreadableAnswerError
			switch {
			case err == nil:
			case errors.As(err, &record):
				require.Contains(t, []string{odd.Field, "CallRecord", "CallId"}, record.Problems[0].Field, "%s: %s", odd, err)
			case errors.As(err, &answer):
				require.Contains(t, answer.Problem.Field, odd.Field, "%s of %s: %s", odd, api, err)
			default:
				require.Fail(t, "retried", "%s of %s: %s", odd, api, err)
			}
		}
	}
}
