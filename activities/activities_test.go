package activities

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"

	"aftercall/internal/billing"
	"aftercall/internal/ledger"
	"aftercall/internal/notify"
	"aftercall/internal/tencent"
	"aftercall/internal/testenv"
)

const clinic tencent.SDKAppID = 1400000000

var endedAt = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func record() tencent.CallRecord {
	return tencent.CallRecord{
		CallID: "call-1", Caller: "patient-1001", MediaType: tencent.MediaAudio, CallType: tencent.CallTypeSingle,
		StartTime: endedAt.Unix() - 70, AcceptTime: endedAt.Unix() - 61, EndTime: endedAt.Unix(), Result: tencent.ResultNormalEnd,
		Members: []string{"patient-1001", "doctor-17"},
	}
}

// fake is a record API and a target.
type fake struct {
	record tencent.CallRecord
	err    error
	asked  time.Time
	sent   []string
}

func (f *fake) Record(context.Context, string) (tencent.CallRecord, error) {
	f.asked = time.Now()
	return f.record, f.err
}

func (f *fake) Send(_ context.Context, id string, _ notify.Event) error {
	f.sent = append(f.sent, id)
	return f.err
}

// relayFake is the app's own backend.
type relayFake struct{ *fake }

func (f relayFake) Send(_ context.Context, query, contentType string, body []byte) error {
	f.sent = append(f.sent, query+" "+contentType+" "+string(body))
	return f.err
}

type fixture struct {
	t      *testing.T
	acts   *Activities
	fake   *fake
	env    *testsuite.TestActivityEnvironment
	logs   *testenv.Log
	ledger *ledger.Ledger
	// forgotten are the calls whose callbacks were forgotten, forgetErr why that failed.
	forgotten []string
	forgetErr error
	// bursting is set while another review was opened in the last minutes; asked counts
	// the questions, and foldErr is why there is no answer.
	bursting bool
	asked    int
	foldErr  error
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	price, err := billing.ParseDecimal("0.12")
	require.NoError(t, err)
	rater, err := billing.NewRater("consultation", billing.Tariff{Currency: "USD", Versions: []billing.Version{{
		EffectiveFrom: endedAt.AddDate(-1, 0, 0),
		Rules:         []billing.Rule{{RatePerMinute: price, FirstInterval: 60, NextInterval: 60}},
	}}})
	require.NoError(t, err)
	store, err := ledger.Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "ledger.db"), ledger.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, store.Close()) })
	f := &fixture{t: t, fake: &fake{record: record()}, ledger: store}
	f.acts = New([]App{{ID: clinic, Name: "clinic", Records: f.fake, Rater: rater}},
		store, []Target{{Receiver: Receiver{Name: "crm", RetryWindow: time.Hour, Circuit: closed{}}, Sender: f.fake}}, f.forget, f.fold, prometheus.NewRegistry())
	f.acts.now = func() time.Time { return endedAt.Add(10 * time.Second) }
	f.env, f.logs = newEnv()
	f.env.RegisterActivityWithOptions(f.acts.Charge, activity.RegisterOptions{Name: "Charge"})
	f.env.RegisterActivityWithOptions(f.acts.OpenReview, activity.RegisterOptions{Name: "OpenReview"})
	return f
}

// newEnv returns an environment for activities, and its log.
func newEnv() (*testsuite.TestActivityEnvironment, *testenv.Log) {
	var suite testsuite.WorkflowTestSuite
	logs := &testenv.Log{}
	suite.SetLogger(log.NewStructuredLogger(slog.New(slog.NewTextHandler(logs, nil))))
	return suite.NewTestActivityEnvironment(), logs
}

func (f *fixture) forget(_ context.Context, _ tencent.SDKAppID, callID string) error {
	f.forgotten = append(f.forgotten, callID)
	return f.forgetErr
}

func (f *fixture) fold(_ context.Context, app App, callID string) (bool, error) {
	require.Equal(f.t, "clinic", app.Name)
	require.Equal(f.t, "call-1", callID)
	f.asked++
	return f.bursting, f.foldErr
}

func (f *fixture) charge(p ChargeParams) (result ChargeResult, err error) {
	f.t.Helper()
	value, err := f.env.ExecuteActivity("Charge", p)
	if err != nil {
		return result, err
	}
	require.NoError(f.t, value.Get(&result))
	return result, nil
}

func params(firstRun string) ChargeParams {
	hint := record()
	hint.AcceptTime = 0
	return ChargeParams{SDKAppID: clinic, Record: record(), Callback: &hint, ReadAt: endedAt.Add(5 * time.Second), FirstRunID: firstRun}
}

func errorType(err error) string {
	var appErr *temporal.ApplicationError
	if errors.As(err, &appErr) {
		return appErr.Type()
	}
	return ""
}

func TestChargeOnce(t *testing.T) {
	f := newFixture(t)
	first, err := f.charge(params("run-1"))
	require.NoError(t, err)
	require.False(t, first.AlreadyHandled)
	require.Equal(t, "0.24", first.Event.Call.Amount)
	require.Equal(t, int64(120), first.Event.Call.BilledSeconds)
	require.Equal(t, notify.EventCallCharged, first.Event.Type)
	require.Equal(t, []string{"crm"}, first.Targets)
	require.NotEmpty(t, first.Event.Call.Explanation)
	require.Equal(t, record().Members, first.Event.Call.Members)
	require.False(t, first.MembersLeftOut)
	require.Equal(t, []tencent.Difference{{Field: "AcceptTime"}}, first.Differences, "the values are in the ledger")

	again, err := f.charge(params("run-1"))
	require.NoError(t, err)
	require.Equal(t, first, again, "a later attempt of the same workflow finds its own entry, and sends the same event")

	other, err := f.charge(params("run-2"))
	require.NoError(t, err)
	require.True(t, other.AlreadyHandled)

	entries, err := f.ledger.Get(t.Context(), clinic, "call-1")
	require.NoError(t, err)
	require.Len(t, entries, 1)
	require.InDelta(t, 1, testutil.ToFloat64(f.acts.metrics.charges.WithLabelValues("clinic", "charged")), 0, "counted when made")
	require.InDelta(t, 1, testutil.ToFloat64(f.acts.metrics.charges.WithLabelValues("clinic", "already_handled")), 0)
}

// TestADecisionIsInTheLedger charges what a person decided, once.
func TestADecisionIsInTheLedger(t *testing.T) {
	f := newFixture(t)
	p := params("run-1")
	p.Record.AcceptTime = 0 // NormalEnd without AcceptTime
	_, err := f.charge(p)
	require.Equal(t, NeedsReview, errorType(err))
	p.Decided = &Decided{
		Decision: billing.Decision{Verdict: billing.VerdictChargeAs, ConnectedSeconds: 61}, By: "alice", Reason: "says the doctor's log",
	}
	for range 2 {
		result, err := f.charge(p)
		require.NoError(t, err)
		require.Equal(t, "0.24", result.Event.Call.Amount)
		require.Contains(t, result.Event.Call.Explanation, "a person decided: connected for 61 s")
		require.NotContains(t, strings.Join(result.Event.Call.Explanation, " "), "alice")
	}
	entries, err := f.ledger.Get(t.Context(), clinic, "call-1")
	require.NoError(t, err)
	require.Len(t, entries, 1)
	require.Equal(t, "alice", entries[0].Operator)
	require.Equal(t, "says the doctor's log", entries[0].Reason)
	want := p.Decided.Decision
	want.Exact = true
	require.Equal(t, &want, entries[0].Charge.Decision(), "and is billed as decided")
	require.InDelta(t, 1, testutil.ToFloat64(f.acts.metrics.reviews.WithLabelValues("clinic", "charge-as")), 0)

	p.Decided.Decision = billing.Decision{Verdict: billing.VerdictWaive}
	result, err := f.charge(p)
	require.NoError(t, err)
	require.Equal(t, "0.24", result.Event.Call.Amount, "a decision cannot be made twice")
	require.Equal(t, "0.00 USD for 0 s", result.Recomputed)
	p.FirstRunID = "run-2"
	_, err = f.charge(p)
	require.Equal(t, ChargeConflict, errorType(err))
}

func TestOpenReview(t *testing.T) {
	f := newFixture(t)
	opened, err := f.acts.OpenReview(t.Context(), OpenReviewParams{
		SDKAppID: clinic, Record: record(), Error: NeedsReview, Reason: "too long", At: endedAt,
	})
	require.NoError(t, err)
	require.Equal(t, []string{"crm"}, opened.Targets)
	require.Equal(t, notify.EventCallReview, opened.Event.Type)
	require.Equal(t, "call-1", opened.Event.Call.CallID)
	require.Equal(t, []string{"too long"}, opened.Event.Call.Explanation)
	require.Equal(t, notify.MessageID(clinic, "call-1", notify.EventCallReview), opened.MessageID)
	require.InDelta(t, 1, testutil.ToFloat64(f.acts.metrics.reviews.WithLabelValues("clinic", "opened")), 0)
	require.False(t, opened.Event.Call.Unconfirmed)
	opened, err = f.acts.OpenReview(t.Context(), OpenReviewParams{SDKAppID: clinic, Record: record(), Unconfirmed: true, Error: RecordNeverAppeared, At: endedAt})
	require.NoError(t, err)
	require.True(t, opened.Event.Call.Unconfirmed)
	_, err = f.acts.OpenReview(t.Context(), OpenReviewParams{SDKAppID: 1})
	require.Equal(t, AppNotConfigured, errorType(err))
}

// TestChargeAfterCorrection: nothing is charged again after a person has corrected the
// charge, whatever the amount is now. The workflow that booked it still gets its own
// entry, because the answer may have been lost and no target knows of it; to another
// workflow the call is handled.
func TestChargeAfterCorrection(t *testing.T) {
	for name, correct := range map[string]func(f *fixture, key string) error{
		"reversed": func(f *fixture, key string) error {
			_, _, err := f.ledger.Reverse(t.Context(), key, ledger.Correction{Reason: "dead line", Operator: "alice"})
			return err
		},
		"replaced": func(f *fixture, key string) error {
			entries, err := f.ledger.Get(t.Context(), clinic, "call-1")
			if err != nil {
				return err
			}
			charge := entries[0].Charge
			if charge.Amount, err = charge.Amount.Mul("2"); err != nil {
				return err
			}
			_, _, err = f.ledger.Replace(t.Context(), key, charge, ledger.Correction{Reason: "dead line", Operator: "alice"})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			first, err := f.charge(params("run-1"))
			require.NoError(t, err)
			require.NoError(t, correct(f, first.LedgerKey))
			for _, later := range []int64{0, 600} {
				p := params("run-1")
				p.Record.AcceptTime -= later
				p.Record.StartTime -= later
				again, err := f.charge(p)
				require.NoError(t, err)
				again.Recomputed = "" // it would be another sum after 600 s more
				require.Equal(t, first, again)
				p.FirstRunID = "run-2"
				other, err := f.charge(p)
				require.NoError(t, err)
				require.True(t, other.AlreadyHandled)
				require.NotEqual(t, first.LedgerKey, other.LedgerKey)
			}
			entries, err := f.ledger.Get(t.Context(), clinic, "call-1")
			require.NoError(t, err)
			require.Len(t, slices.DeleteFunc(entries, ledger.Entry.Correction), 1)
		})
	}
}

func TestUnconnectedCallsAreInTheLedger(t *testing.T) {
	f := newFixture(t)
	p := params("run-1")
	p.Record.AcceptTime, p.Record.Result = 0, tencent.ResultNotAnswer
	result, err := f.charge(p)
	require.NoError(t, err)
	require.Equal(t, notify.EventCallFree, result.Event.Type)
	require.Equal(t, "0.00", result.Event.Call.Amount)
	entries, err := f.ledger.Get(t.Context(), clinic, "call-1")
	require.NoError(t, err)
	require.Len(t, entries, 1)
}

func TestChargeErrors(t *testing.T) {
	t.Run("conflict", func(t *testing.T) {
		f := newFixture(t)
		_, err := f.charge(params("run-1"))
		require.NoError(t, err)
		p := params("run-2")
		p.Record.AcceptTime -= 600
		p.Record.StartTime -= 600
		_, err = f.charge(p)
		require.Equal(t, ChargeConflict, errorType(err))
	})
	t.Run("an own entry is the charge, whatever it would be now", func(t *testing.T) {
		f := newFixture(t)
		first, err := f.charge(params("run-1"))
		require.NoError(t, err)
		p := params("run-1")
		p.Record.AcceptTime -= 600
		p.Record.StartTime -= 600
		again, err := f.charge(p)
		require.NoError(t, err)
		require.Contains(t, again.Recomputed, " USD for ")
		again.Recomputed = ""
		require.Equal(t, first, again, "with the same message")

		p.Record.AcceptTime = p.Record.EndTime + 1 // impossible by now
		again, err = f.charge(p)
		require.NoError(t, err)
		require.Contains(t, again.Recomputed, "needs review")
		p.FirstRunID = "run-2"
		_, err = f.charge(p)
		require.Equal(t, NeedsReview, errorType(err), "of another workflow it is not")

		// The record is no longer there.
		opened, err := f.acts.OpenReview(t.Context(), OpenReviewParams{
			SDKAppID: clinic, Record: tencent.CallRecord{CallID: "call-1"}, Error: RecordNeverAppeared, Reason: "no record", FirstRunID: "run-1",
		})
		require.NoError(t, err)
		require.Equal(t, first.MessageID, opened.Charged.MessageID)
		require.Equal(t, "no record", opened.Charged.Recomputed)
		require.Zero(t, testutil.ToFloat64(f.acts.metrics.reviews.WithLabelValues("clinic", "opened")))
		opened, err = f.acts.OpenReview(t.Context(), OpenReviewParams{SDKAppID: clinic, Record: p.Record, Error: NeedsReview, FirstRunID: "run-2"})
		require.NoError(t, err)
		require.Nil(t, opened.Charged)
	})
	t.Run("a person decided before the review was counted", func(t *testing.T) {
		f := newFixture(t)
		p := params("run-1")
		p.Decided = &Decided{Decision: billing.Decision{Verdict: billing.VerdictWaive}, By: "alice", Reason: "test call"}
		decided, err := f.charge(p)
		require.NoError(t, err)
		opened, err := f.acts.OpenReview(t.Context(), OpenReviewParams{SDKAppID: clinic, Record: p.Record, Error: NeedsReview, Reason: "odd", FirstRunID: "run-1"})
		require.NoError(t, err)
		require.Equal(t, decided.MessageID, opened.Charged.MessageID)
		require.Equal(t, notify.EventCallReview, opened.Event.Type, "the targets hear of the review all the same")
		require.NotEmpty(t, opened.Targets)
		require.InDelta(t, 1, testutil.ToFloat64(f.acts.metrics.reviews.WithLabelValues("clinic", "opened")), 0)
	})
	t.Run("needs review", func(t *testing.T) {
		f := newFixture(t)
		p := params("run-1")
		p.Record.AcceptTime = p.Record.EndTime + 1
		_, err := f.charge(p)
		require.Equal(t, NeedsReview, errorType(err))
		entries, err := f.ledger.Get(t.Context(), clinic, "call-1")
		require.NoError(t, err)
		require.Empty(t, entries, "nothing is charged")
	})
	t.Run("ledger down", func(t *testing.T) {
		f := newFixture(t)
		require.NoError(t, f.ledger.Close())
		_, err := f.charge(params("run-1"))
		require.Equal(t, LedgerUnavailable, errorType(err))
	})
	t.Run("app not configured", func(t *testing.T) {
		f := newFixture(t)
		p := params("run-1")
		p.SDKAppID++
		_, err := f.charge(p)
		require.Equal(t, AppNotConfigured, errorType(err))
	})
}

func TestFetchRecordWaitsFirst(t *testing.T) {
	f := newFixture(t)
	f.env.RegisterActivityWithOptions(f.acts.FetchRecord, activity.RegisterOptions{Name: "FetchRecord"})
	start := time.Now()
	_, err := f.env.ExecuteActivity("FetchRecord", FetchRecordParams{SDKAppID: clinic, CallID: "call-1", InitialDelay: 20 * time.Millisecond})
	require.NoError(t, err)
	require.GreaterOrEqual(t, f.fake.asked.Sub(start), 20*time.Millisecond)
}

// TestFetchRecordWithoutWaiting has a clock that moves while it is read.
func TestFetchRecordWithoutWaiting(t *testing.T) {
	f := newFixture(t)
	f.fake.err = &tencent.APIError{Code: tencent.CodeRecordNotFound}
	now := endedAt
	f.acts.now = func() time.Time {
		now = now.Add(time.Nanosecond)
		return now
	}
	f.env.RegisterActivityWithOptions(f.acts.FetchRecord, activity.RegisterOptions{Name: "FetchRecord"})
	_, err := f.env.ExecuteActivity("FetchRecord", FetchRecordParams{SDKAppID: clinic, CallID: "call-1"})
	require.Equal(t, RecordNeverAppeared, errorType(err), "as a decision must know")
}

func TestFetchRecord(t *testing.T) {
	notFound := &tencent.APIError{Code: tencent.CodeRecordNotFound}
	const timeout = 30 * time.Minute
	tests := map[string]struct {
		app tencent.SDKAppID
		err error
		// missing is since when Tencent has said that there is no record; nil
		// if it never did.
		missing *time.Duration
		want    string
	}{
		"found":                         {clinic, nil, nil, ""},
		"not yet":                       {clinic, notFound, nil, RecordNotYet},
		"not yet, said before":          {clinic, notFound, ago(29 * time.Minute), RecordNotYet},
		"never, at the record deadline": {clinic, notFound, ago(timeout), RecordNeverAppeared},
		"network, after the deadline":   {clinic, errors.New("connection refused"), ago(time.Hour), RecordAPIUnavailable},
		"arrears, after the deadline":   {clinic, &tencent.APIError{Code: 60017}, ago(time.Hour), RecordAPIRefused},
		"an app that is not configured": {clinic + 1, nil, nil, AppNotConfigured},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			f.fake.err = tt.err
			if tt.missing != nil {
				f.env.SetHeartbeatDetails(f.acts.now().Add(-*tt.missing))
			}
			f.env.RegisterActivityWithOptions(f.acts.FetchRecord, activity.RegisterOptions{Name: "FetchRecord"})
			value, err := f.env.ExecuteActivity("FetchRecord", FetchRecordParams{SDKAppID: tt.app, CallID: "call-1", NotFoundTimeout: timeout})
			require.Equal(t, tt.want, errorType(err))
			if tt.want == "" {
				var result FetchRecordResult
				require.NoError(t, err)
				require.NoError(t, value.Get(&result))
				require.Equal(t, record(), result.Record)
			}
		})
	}
}

func ago(d time.Duration) *time.Duration { return &d }

// TestRecordDeadlineBeginsWithTheFirstAnswer plays a long outage of the record API
// before the first answer, and keeps that answer's time for the attempts after it.
func TestRecordDeadlineBeginsWithTheFirstAnswer(t *testing.T) {
	f := newFixture(t)
	var since time.Time
	f.env.SetOnActivityHeartbeatListener(func(_ *activity.Info, details converter.EncodedValues) {
		require.NoError(t, details.Get(&since))
	})
	f.env.RegisterActivityWithOptions(f.acts.FetchRecord, activity.RegisterOptions{Name: "FetchRecord"})
	now := f.acts.now()
	fetch := func(err error) string {
		f.fake.err = err
		f.acts.now = func() time.Time { return now }
		_, err = f.env.ExecuteActivity("FetchRecord", FetchRecordParams{SDKAppID: clinic, CallID: "call-1", NotFoundTimeout: time.Minute})
		return errorType(err)
	}
	require.Equal(t, RecordAPIUnavailable, fetch(errors.New("connection refused")))
	require.Zero(t, since, "an outage does not count")
	now = now.Add(24 * time.Hour)
	notFound := &tencent.APIError{Code: tencent.CodeRecordNotFound}
	require.Equal(t, RecordNotYet, fetch(notFound))
	require.True(t, since.Equal(now))
	f.env.SetHeartbeatDetails(since)
	now = now.Add(time.Minute)
	require.Equal(t, RecordNeverAppeared, fetch(notFound))
}

// TestReviewWithoutRecordForgetsCallbacks: only where there is no record is another
// callback news.
func TestReviewWithoutRecordForgetsCallbacks(t *testing.T) {
	f := newFixture(t)
	open := func(noRecord bool) {
		t.Helper()
		value, err := f.env.ExecuteActivity("OpenReview", OpenReviewParams{SDKAppID: clinic, Record: record(), NoRecord: noRecord, At: endedAt})
		require.NoError(t, err)
		var opened OpenReviewResult
		require.NoError(t, value.Get(&opened))
		require.Equal(t, []string{"crm"}, opened.Targets)
	}
	open(false)
	require.Empty(t, f.forgotten)
	open(true)
	require.Equal(t, []string{"call-1"}, f.forgotten)
	const warning = "the same callback again will not make the call look for its record"
	require.Zero(t, f.logs.Count(warning))
	f.forgetErr = errors.New("Redis is down")
	open(true) // the sweep makes it look for its record
	require.Equal(t, 1, f.logs.Count(warning))
}

// TestReviewsWithoutRecordAreFolded: anyone who knows the callback URL can open them,
// and each of them must not be a message.
func TestReviewsWithoutRecordAreFolded(t *testing.T) {
	f := newFixture(t)
	open := func(noRecord bool) (opened OpenReviewResult) {
		t.Helper()
		value, err := f.env.ExecuteActivity("OpenReview", OpenReviewParams{SDKAppID: clinic, Record: record(), NoRecord: noRecord, At: endedAt})
		require.NoError(t, err)
		require.NoError(t, value.Get(&opened))
		return opened
	}
	first := open(true)
	require.Equal(t, []string{"crm"}, first.Targets)
	require.False(t, first.Folded)
	f.bursting = true
	next := open(true)
	require.Empty(t, next.Targets)
	require.True(t, next.Folded)
	require.Equal(t, 2, f.asked)
	require.Equal(t, []string{"crm"}, open(false).Targets, "a call that took place")
	require.Equal(t, 2, f.asked)
	f.foldErr = errors.New("Temporal refuses")
	require.Equal(t, []string{"crm"}, open(true).Targets, "rather a message too many than a review that nobody hears of")
	f.acts.subscribers = nil
	f.asked = 0
	require.Empty(t, open(true).Targets)
	require.Zero(t, f.asked, "nobody would be notified")
}

func TestSubscribers(t *testing.T) {
	acts := New(nil, nil, []Target{
		{Receiver: Receiver{Name: "all"}},
		{Receiver: Receiver{Name: "charges"}, Subscription: notify.Subscription{Events: []notify.EventType{notify.EventCallCharged}}},
		{Receiver: Receiver{Name: "all too"}},
	}, nil, nil, prometheus.NewRegistry())
	found, err := acts.Subscribers(t.Context(), SubscribersParams{Event: notify.Event{
		Type: notify.EventSweepRecovered, Sweep: &notify.SweepData{App: "clinic"},
	}})
	require.NoError(t, err)
	require.Equal(t, []string{"all", "all too"}, found.Targets)
}
