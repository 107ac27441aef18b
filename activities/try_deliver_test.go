package activities

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"

	"aftercall/internal/circuit"
	"aftercall/internal/notify"
)

// closed is a circuit that makes every request, open one that holds every
// request, and slow one whose receiver has been slow.
type (
	closed struct{}
	open   struct{}
	slow   struct{ closed }
)

func (closed) Slow() bool { return false }
func (open) Slow() bool   { return false }
func (slow) Slow() bool   { return true }

func (closed) Do(ctx context.Context, request func(context.Context) error, _ func(error) circuit.Verdict) error {
	return request(ctx)
}

func (open) Do(context.Context, func(context.Context) error, func(error) circuit.Verdict) error {
	return &circuit.HeldError{Reason: "paused", For: time.Minute}
}

func TestNotify(t *testing.T) {
	broken, busy := errors.New("connection refused"), &notify.StatusError{Status: 503}
	tests := map[string]struct {
		target string
		err    error
		since  time.Duration
		want   string
	}{
		"delivered":                  {target: "crm"},
		"delivered late":             {target: "crm", since: 2 * time.Hour},
		"network":                    {target: "crm", err: broken, want: TargetUnavailable},
		"busy":                       {target: "crm", err: busy, since: 59 * time.Minute, want: TargetUnavailable},
		"busy until the window ends": {target: "crm", err: busy, since: time.Hour, want: Undelivered},
		"secret refused":             {target: "crm", err: &notify.StatusError{Status: 401}, since: 59 * time.Minute, want: TargetMisconfigured},
		"secret refused until then":  {target: "crm", err: &notify.StatusError{Status: 401}, since: time.Hour, want: Undelivered},
		"gone":                       {target: "crm", err: &notify.StatusError{Status: 410}, since: 2 * time.Hour, want: TargetRefused},
		"not configured":             {target: "erp", since: 71 * time.Hour, want: TargetNotConfigured},
		"not configured until then":  {target: "erp", since: 72 * time.Hour, want: Undelivered},
		"shutting down":              {target: "crm", err: context.Canceled, since: 2 * time.Hour, want: ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			f.fake.err = tt.err
			err := f.acts.Notify(t.Context(), NotifyParams{Target: tt.target, MessageID: "msg_1", Since: f.acts.now().Add(-tt.since)})
			require.Equal(t, tt.want, errorType(err))
			require.Equal(t, tt.want == TargetUnavailable || tt.want == TargetNotConfigured || tt.want == TargetMisconfigured, Retryable(err))
			undelivered := f.acts.metrics.undelivered
			counted := testutil.ToFloat64(undelivered.WithLabelValues(tt.target, "refused")) + testutil.ToFloat64(undelivered.WithLabelValues(tt.target, "horizon"))
			require.Equal(t, tt.want == Undelivered || tt.want == TargetRefused, counted == 1)
			if tt.want == "" {
				require.ErrorIs(t, err, tt.err)
				require.Equal(t, []string{"msg_1"}, f.fake.sent)
			}
		})
	}
}

func TestNotifyWhilePaused(t *testing.T) {
	f := newFixture(t)
	f.acts.targets[0].Circuit = open{}
	p := NotifyParams{Target: "crm", Since: f.acts.now()}
	var failed *temporal.ApplicationError
	require.ErrorAs(t, f.acts.Notify(t.Context(), p), &failed)
	require.Equal(t, TargetHeld, failed.Type())
	require.Equal(t, temporal.ApplicationErrorCategoryBenign, failed.Category())
	require.GreaterOrEqual(t, failed.NextRetryDelay(), time.Minute)
	require.Empty(t, f.fake.sent, "no request is made")
	p.Since = p.Since.Add(-time.Hour)
	require.Equal(t, Undelivered, errorType(f.acts.Notify(t.Context(), p)), "a held event has a retry window too")
}

// TestSlowTargetsAreLeftToRegularActivities: a local activity makes no request
// to a slow target, and a regular one makes it.
func TestSlowTargetsAreLeftToRegularActivities(t *testing.T) {
	for name, receiver := range map[string]Receiver{
		"slow recently": {Name: "crm", RetryWindow: time.Hour, Circuit: slow{}},
		"always slow":   {Name: "crm", RetryWindow: time.Hour, Circuit: closed{}, AlwaysSlow: true},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			f.acts.targets[0].Receiver = receiver
			p := NotifyParams{Target: "crm", MessageID: "msg_1", Since: f.acts.now()}
			_, err := f.env.ExecuteLocalActivity(f.acts.Notify, p)
			require.True(t, LeftToRegularActivity(err), "%v", err)
			require.True(t, Retryable(err))
			require.Empty(t, f.fake.sent)
			f.env.RegisterActivity(f.acts.Notify)
			_, err = f.env.ExecuteActivity(f.acts.Notify, p)
			require.NoError(t, err)
			require.Equal(t, []string{"msg_1"}, f.fake.sent)
		})
	}
	f := newFixture(t)
	_, err := f.env.ExecuteLocalActivity(f.acts.Notify, NotifyParams{Target: "crm", MessageID: "msg_1", Since: f.acts.now()})
	require.NoError(t, err)
	require.Equal(t, []string{"msg_1"}, f.fake.sent, "a quick target is notified at once")
}

func TestRelayCallback(t *testing.T) {
	f := newFixture(t)
	p := RelayCallbackParams{SDKAppID: clinic, App: "clinic", Query: "Sign=a&RequestTime=1", ContentType: "application/json", Body: []byte("{}"), Since: f.acts.now()}
	require.Equal(t, TargetNotConfigured, errorType(f.acts.RelayCallback(t.Context(), p)))
	app := f.acts.apps[clinic]
	app.Relay = &Relay{Receiver: Receiver{Name: RelayReceiver("clinic"), RetryWindow: time.Hour, Circuit: closed{}}, Sender: relayFake{f.fake}}
	f.acts.apps[clinic] = app
	require.NoError(t, f.acts.RelayCallback(t.Context(), p))
	require.Equal(t, []string{"Sign=a&RequestTime=1 application/json {}"}, f.fake.sent)
	f.fake.err = &notify.StatusError{Status: 500}
	require.Equal(t, TargetUnavailable, errorType(f.acts.RelayCallback(t.Context(), p)))
	p.Since = p.Since.Add(-time.Hour)
	require.Equal(t, Undelivered, errorType(f.acts.RelayCallback(t.Context(), p)))
	f.fake.err = &notify.StatusError{Status: 410}
	require.Equal(t, TargetRefused, errorType(f.acts.RelayCallback(t.Context(), p)))
}

// TestVerdicts: what the answer to one request says about the receiver.
func TestVerdicts(t *testing.T) {
	for _, tt := range []struct {
		err  error
		want circuit.Verdict
	}{
		{errors.New("connection refused"), circuit.Verdict{Failed: true}},
		{&notify.StatusError{Status: 503}, circuit.Verdict{Failed: true}},
		{&notify.StatusError{Status: 410}, circuit.Verdict{}},
		{&notify.StatusError{Status: 400}, circuit.Verdict{Problem: "answered 400 Bad Request"}},
		{&notify.StatusError{Status: 401}, circuit.Verdict{Failed: true, Problem: "answered 401 Unauthorized"}},
		{&notify.StatusError{Status: 503, Aborted: true}, circuit.Verdict{}},
		{&notify.DeliveryError{Reason: "busy"}, circuit.Verdict{Failed: true}},
		{&notify.DeliveryError{Reason: "no such robot", Class: notify.NeedsOperator}, circuit.Verdict{Failed: true, Problem: "no such robot"}},
		{&notify.DeliveryError{Reason: "too long", Class: notify.Permanent}, circuit.Verdict{}},
	} {
		require.Equal(t, tt.want, judge(tt.err), "%v", tt.err)
	}
}

func TestRetryDelays(t *testing.T) {
	for _, tt := range []struct {
		attempt         int
		asked, min, max time.Duration
	}{
		{attempt: 2, min: time.Second, max: 3 * time.Second},
		{attempt: 3, min: 2 * time.Second, max: 6 * time.Second},
		{attempt: 8, min: 64 * time.Second, max: 192 * time.Second},
		{attempt: 20, min: 5 * time.Minute, max: 15 * time.Minute},
		{attempt: 100000, min: 5 * time.Minute, max: 15 * time.Minute},
		{attempt: 2, asked: time.Minute, min: time.Minute, max: 2 * time.Minute},
		{attempt: 2, asked: time.Hour, min: time.Hour, max: time.Hour + time.Minute},
		{attempt: 20, asked: time.Second, min: 5 * time.Minute, max: 15 * time.Minute},
	} {
		delays := map[time.Duration]bool{}
		for range 100 {
			delay := retryDelay(tt.attempt, tt.asked)
			require.GreaterOrEqual(t, delay, tt.min, "%+v", tt)
			require.Less(t, delay, tt.max, "%+v", tt)
			delays[delay] = true
		}
		require.Greater(t, len(delays), 50, "spread")
	}
}
