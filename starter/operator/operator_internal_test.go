package operator

import (
	"bytes"
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"aftercall/internal/config"
	"aftercall/internal/ledger"
	cli "aftercall/internal/oldcli"
	"aftercall/internal/sweep"
	"aftercall/internal/tencent"
	"aftercall/workflows"
)

const secret = "a-secret-of-sixteen"

func testApp(baseURL string) *config.App {
	return &config.App{
		Name: "clinic", SDKAppID: 1400000000,
		Callback: config.Callback{Secret: config.NewSecret(secret), BaseURL: baseURL},
		Sweep:    config.Sweep{Every: config.Interval(5 * time.Minute), Settle: 2 * time.Minute},
	}
}

func TestShownKeepsSecrets(t *testing.T) {
	app := testApp("")
	for address, want := range map[string]string{
		"https://calls.example.com/tencent/call/" + secret:        "https://calls.example.com/tencent/call/[the app's secret]",
		"https://calls.example.com/eu/tencent/call/other":         "https://calls.example.com/eu/tencent/call/[another secret]",
		"https://calls.example.com/tencent/call/" + secret + "/x": "https://calls.example.com/tencent/call/[another secret]",
		"https://me:canary@calls.example.com/hook?token=canary":   "https://calls.example.com/hook?[…]",
		"https://calls.example.com/hook#canary":                   "https://calls.example.com/hook",
		"://canary":                                               "an address that cannot be read",
	} {
		require.Equal(t, want, shown(app, address, false))
		require.Equal(t, address, shown(app, address, true))
	}
}

func TestDifferences(t *testing.T) {
	end := []tencent.Command{tencent.CommandAfterEndCall}
	ours := "https://calls.example.com/tencent/call/" + secret
	tests := map[string]struct {
		baseURL    string
		registered *tencent.CallbackConfig
		want       []string
	}{
		"all is well":                   {"https://calls.example.com", &tencent.CallbackConfig{URL: ours, Commands: end}, nil},
		"none":                          {"https://calls.example.com", nil, []string{"no callback is registered"}},
		"no public address, our secret": {"", &tencent.CallbackConfig{URL: "http://elsewhere/tencent/call/" + secret, Commands: end}, nil},
		"no public address, foreign":    {"", &tencent.CallbackConfig{URL: "http://elsewhere/x", Commands: end}, []string{"callbacks go to http://elsewhere/x"}},
		"foreign, other commands": {
			"https://calls.example.com",
			&tencent.CallbackConfig{URL: "http://elsewhere/x", Commands: []tencent.Command{tencent.CommandAfterStartCall}},
			[]string{
				"callbacks go to http://elsewhere/x, not to https://calls.example.com/tencent/call/[the app's secret]",
				"Call.CallbackAfterEndCall is not posted", "Call.CallbackAfterStartCall is posted, for nobody",
			},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			app := testApp(tt.baseURL)
			require.Equal(t, tt.want, registration{app, tt.registered, configured(app)}.differences(false))
		})
	}
}

func TestInstant(t *testing.T) {
	want := time.Date(2026, 3, 1, 22, 15, 0, 0, time.UTC)
	for _, text := range []string{"2026-03-01T22:15:00Z", "2026-03-01T22:15", "2026-03-01 22:15", "2026-03-01 22:15:00", "2026-03-02T06:15:00+08:00"} {
		var i instant
		require.NoError(t, i.UnmarshalText([]byte(text)))
		require.True(t, want.Equal(i.Time), text)
	}
	for _, text := range []string{"", "yesterday", "22:15", "2026-13-01", "01.03.2026"} {
		require.Error(t, new(instant).UnmarshalText([]byte(text)), text)
	}
}

func TestBetween(t *testing.T) {
	now := time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)
	var stderr bytes.Buffer
	c := backfillCommand{From: instant{now.AddDate(0, 0, -9)}, To: instant{now.Add(-time.Hour)}}
	w, err := c.between(now, &stderr)
	require.NoError(t, err)
	require.Equal(t, sweep.Window{From: c.From.Time, To: c.To.Time}, w, "its ID must not depend on the clock")
	require.Equal(t, "note: Tencent keeps records for seven days, so nothing before 2026-03-03T12:00:00Z is listed\n", stderr.String())
}

func TestSweepProgress(t *testing.T) {
	ctx := context.Background()
	book, err := ledger.Open(ctx, "sqlite:"+filepath.Join(t.TempDir(), "ledger.db"), ledger.Options{})
	require.NoError(t, err)
	defer book.Close()
	app, now := testApp(""), time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)

	detail, err := sweepProgress(ctx, app, book, now)
	require.NoError(t, err)
	require.Equal(t, "every 5m0s, no run has ended yet", detail)
	require.NoError(t, book.SetSweptTo(ctx, app.SDKAppID, now.Add(-3*time.Minute)))
	detail, err = sweepProgress(ctx, app, book, now)
	require.NoError(t, err)
	require.Equal(t, "every 5m0s, all calls up to 2026-03-10T11:57:00Z are listed", detail)
	_, err = sweepProgress(ctx, app, book, now.Add(time.Hour))
	require.EqualError(t, err, "all calls are listed up to 2026-03-10T11:57:00Z only, 1h3m0s ago")
}

func TestStands(t *testing.T) {
	since := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	running := func(s *workflows.Status) *workflowReport { return &workflowReport{State: "running", Status: s} }
	charge := []ledgerReport{{Kind: "charge", sum: "0.24 USD for 120 s"}}
	for want, r := range map[string]callReport{
		"done: charge of 0.24 USD for 120 s":                                    {Ledger: charge, Workflow: &workflowReport{State: "completed"}},
		"NOT CHARGED: its workflow failed":                                      {Workflow: &workflowReport{State: "failed"}},
		"not in the ledger, although its workflow is terminated":                {Workflow: &workflowReport{State: "terminated"}},
		"not known: not everybody answers":                                      {Problems: []string{"Temporal does not answer"}},
		"under way":                                                             {Workflow: running(nil)},
		"under way, at notify":                                                  {Workflow: running(&workflows.Status{Stage: workflows.StageNotify}), Ledger: charge},
		"at charge, waits since 2026-03-01T12:00:00Z for the ledger: no answer": {Workflow: running(&workflows.Status{Stage: workflows.StageCharge, Since: since, WaitingFor: "the ledger: no answer"})},
		"waits for a person's decision since 2026-03-01T12:00:00Z: too long":    {Workflow: running(&workflows.Status{Stage: workflows.StageReview, Review: &workflows.ReviewStatus{Since: since, Reason: "too long"}})},
		"NOT CHARGED: Redis remembers a start, but there is neither a workflow nor a ledger entry; starter start starts it": {Redis: &redisReport{Known: true, Started: true}},
	} {
		require.Equal(t, want, r.stands())
	}
}

func TestTencentErrors(t *testing.T) {
	app := testApp("")
	app.API = "singapore"
	for want, err := range map[string]error{
		"clinic: the app belongs to another region (Tencent answers 60026, wrong domain, RequestId r1)": &tencent.APIError{Code: 60026, Info: "wrong domain", RequestID: "r1"},
		"clinic: https://adminapisgp.im.qcloud.com answers HTTP status 502":                             &tencent.HTTPError{Status: 502},
		"clinic: the app's limit of 200 requests per second is reached: the request was not sent":       &tencent.BusyError{},
		"clinic: no route to host": errors.New("no route to host"),
	} {
		got := tencentError(app, err)
		require.EqualError(t, got, want)
		var detailed *cli.Error
		require.ErrorAs(t, got, &detailed)
		require.NotEmpty(t, detailed.Cure)
	}
}

func TestHelpTeaches(t *testing.T) {
	for _, command := range [][]string{
		{"check"}, {"call"}, {"start"}, {"backfill"}, {"callback", "show"}, {"callback", "set"}, {"callback", "delete"},
	} {
		var stdout bytes.Buffer
		code := Run(context.Background(), cli.Process{Stdout: &stdout, Stderr: &stdout}, append(command, "--help"))
		require.Equal(t, cli.OK, code)
		require.Regexp(t, `Examples?:\n\n +starter `+command[0], stdout.String())
		require.Contains(t, stdout.String(), "--output")
	}
}
