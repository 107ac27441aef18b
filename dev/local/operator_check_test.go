package local_test

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"google.golang.org/protobuf/types/known/durationpb"

	"aftercall/dev/local"
	"aftercall/dev/tencentsim"
	"aftercall/dev/webhookreceiver"
	"aftercall/internal/cli"
	"aftercall/workflows"
)

func (c console) testCheck() {
	o := c.until(cli.OK, "", "check", "--probe")
	require.Equal(c.t, `    CHECK              APP       FOUND
ok  configuration                DIR/aftercall.yaml: APPS
ok  redis                        redis://HOST/0 answers in DURATION, version VERSION
ok  starters                     1 alive
ok  temporal                     namespace default, server VERSION
ok  clock                        this machine agrees with temporal, ledger, redis
ok  process clocks               those of 2 starters and workers are right
ok  retention                    closed workflows are kept for 10 days, longer than the dedupe_window, 1 day
ok  search attributes            all N are registered
ok  workers                      1 on the task queue aftercall
ok  ledger                       sqlite://DIR/ledger.db, this release can use its tables, takes a write, N GiB free
ok  tariff versions              none was edited after calls were charged by it
ok  held back                    no call that the sweeps cannot start
ok  failed calls                 no workflow of a call has failed in the last 7 days
ok  reviews                      no call waits for a decision
ok  deliveries                   none waits
ok  targets                      none of 3 is held
ok  evidence                     sqlite://DIR/evidence.db, takes a write
ok  target crm                   its server can be reached
ok  target audit                 its server can be reached
ok  target desk                  its server can be reached
ok  tariff             clinic    consultation, the version of TIME is in force
ok  sweep              clinic    off, as configured: calls whose callback is lost are not found
ok  record api         clinic    http://HOST answers in DURATION and accepts the credentials
ok  beginning          clinic    calls are charged that ended since go_live, TIME
ok  callback           clinic    http://HOST/tencent/call/[the app's secret]
ok  answers            clinic    0 callbacks accepted in the last 15 minutes, none refused
ok  calls              clinic    0 are not done, none for longer than it should take
ok  probe              clinic    http://HOST/tencent/call/[the app's secret] answers in DURATION, reaches Temporal and Redis; workers: 1
ok  tariff             tutoring  lessons, the version of TIME is in force
ok  sweep              tutoring  off, as configured: calls whose callback is lost are not found
ok  record api         tutoring  http://HOST answers in DURATION and accepts the credentials
ok  beginning          tutoring  calls are charged that ended since go_live, TIME
ok  callback           tutoring  http://HOST/tencent/call/[the app's secret]
ok  answers            tutoring  0 callbacks accepted in the last 15 minutes, none refused
ok  calls              tutoring  0 are not done, none for longer than it should take
ok  probe              tutoring  http://HOST/tencent/call/[the app's secret] answers in DURATION, reaches Temporal and Redis; workers: 1
ok  tariff             seminar   seminars, the version of TIME is in force
ok  sweep              seminar   off, as configured: calls whose callback is lost are not found
ok  record api         seminar   http://HOST answers in DURATION and accepts the credentials
ok  beginning          seminar   calls are charged that ended since go_live, TIME
ok  callback           seminar   http://HOST/tencent/call/[the app's secret]
ok  answers            seminar   0 callbacks accepted in the last 15 minutes, none refused
ok  calls              seminar   0 are not done, none for longer than it should take
ok  events             seminar   source callback: none yet, source room: none yet
ok  rooms              seminar   none was in use in the last 24 hours
ok  probe              seminar   http://HOST/tencent/call/[the app's secret] answers in DURATION, reaches Temporal and Redis; workers: 1

All N checks passed.
`, o.stdout)
	require.Empty(c.t, o.stderr)
	page, err := c.stack.Temporal.ListWorkflow(c.ctx, &workflowservice.ListWorkflowExecutionsRequest{Query: "WorkflowType != 'Audit'"})
	require.NoError(c.t, err)
	require.Empty(c.t, page.GetExecutions(), "a probe is no call")
}

// finding is what the tests read of one.
type finding struct {
	Check, App, Status, Detail, Cure string
	OK                               bool
}

// red runs check, and returns the cures of what failed by check and app.
func (c console) red(change map[string]string, args ...string) map[string]string {
	c.t.Helper()
	var found []finding
	c.json(&found, change, append([]string{"check"}, args...)...)
	red := map[string]string{}
	for _, f := range found {
		require.NotEmpty(c.t, f.Detail, f.Check)
		require.Equal(c.t, f.Status == "ok" || f.Status == "warning", f.OK, f.Check)
		if f.Status == "failed" {
			red[strings.TrimSpace(f.Check+" "+f.App)] = f.Cure
		}
	}
	return red
}

// testCheckRed: one fault makes one line red, for each app that has it.
func (c console) testCheckRed() {
	o := c.with(wrongKeys, "check")
	require.Equal(c.t, cli.Refused, o.code)
	require.Contains(c.t, o.stdout, `FAIL  record api         clinic    clinic: the UserSig was signed with another key (Tencent answers 70009, `)
	require.Contains(c.t, o.stdout, "→ copy SDKSecretKey of the app from the Tencent RTC console to apps[].secret_key\n")
	require.Contains(c.t, o.stdout, "?     callback           clinic    cannot be checked without record api\n")
	require.Equal(c.t, "aftercall: 2 of N checks failed\n", o.stderr)

	future := filepath.Join(c.t.TempDir(), "aftercall.yaml")
	text, err := os.ReadFile(c.stack.Environ()["AFTERCALL_CONFIG"])
	require.NoError(c.t, err)
	require.NoError(c.t, os.WriteFile(future, []byte(strings.ReplaceAll(string(text), "effective_from: 2025", "effective_from: 2030")), 0o600))
	for name, tt := range map[string]struct {
		change map[string]string
		red    map[string]string // by check and app, with the cure
	}{
		"redis down":    {redisDown, map[string]string{"redis": "is Redis up"}},
		"temporal down": {temporalDown, map[string]string{"temporal": "TEMPORAL_ADDRESS"}},
		"namespace":     {map[string]string{"TEMPORAL_NAMESPACE": "nowhere"}, map[string]string{"temporal": "TEMPORAL_NAMESPACE"}},
		"task queue":    {map[string]string{"AFTERCALL_TASK_QUEUE": "elsewhere"}, map[string]string{"workers": "AFTERCALL_TASK_QUEUE"}},
		"no ledger":     {noLedger, map[string]string{"ledger": "LEDGER_URL must be the worker's"}},
		"configuration": {map[string]string{"AFTERCALL_CONFIG": "/nowhere.yaml"}, map[string]string{"configuration": "docs/configuration.md"}},
		"host of the targets": {
			map[string]string{"DEV_WEBHOOK_URL": "https://crm.invalid"},
			map[string]string{"target crm": "correct its address", "target audit": "correct its address", "target desk": "correct its address"},
		},
		"tariff of the future": {
			map[string]string{"AFTERCALL_CONFIG": future},
			map[string]string{"tariff clinic": "effective_from", "tariff tutoring": "effective_from", "tariff seminar": "effective_from"},
		},
		"public address": {
			map[string]string{"DEV_PUBLIC_URL": "http://" + closedPort},
			map[string]string{
				"callback clinic": "--force", "callback tutoring": "--force", "callback seminar": "--force",
				"probe clinic": "firewall", "probe tutoring": "firewall", "probe seminar": "firewall",
			},
		},
	} {
		c.requireRed(name, c.red(tt.change, "--probe"), tt.red)
	}
	// Last, and whatever the starter reports by then of the probes that it refused.
	red := c.red(map[string]string{"CLINIC_CALLBACK_SECRET": "another-callback-path-secret", "TUTORING_CALLBACK_TOKEN": "another"}, "--probe")
	delete(red, "answers tutoring")
	c.requireRed("secret and token", red, map[string]string{
		"callback clinic": "--force", "probe clinic": "compare secret", "probe tutoring": "compare secret, token",
	})
}

// requireRed compares what failed with the check and app of what is to fail, and with
// a part of its cure.
func (c console) requireRed(name string, red, want map[string]string) {
	c.t.Helper()
	require.Len(c.t, red, len(want), "%s: %v", name, red)
	for check, cure := range want {
		require.Contains(c.t, red, check, name)
		require.Contains(c.t, red[check], cure, name)
	}
}

// testCheckOpenCalls has a call in review and one in stage record, those of
// testCallThatWaits, and one whose event a target does not accept.
func (c console) testCheckOpenCalls() {
	held := c.place(tencentsim.CallSpec{CallID: "call-not-notified", SDKAppID: tutoringID})
	require.NoError(c.t, c.stack.Webhooks.Fail(webhookreceiver.Failure{Target: "audit", CallID: held.Record.CallID, Status: http.StatusServiceUnavailable}))
	defer c.stack.Webhooks.ClearFailures()
	of := func(change map[string]string, check, app string) (line finding) {
		c.t.Helper()
		var found []finding
		c.json(&found, change, "check")
		for _, f := range found {
			if f.Check == check && f.App == app {
				line = f
			}
		}
		return line
	}
	var deliveries finding
	require.Eventually(c.t, func() bool {
		deliveries = of(nil, "deliveries", "")
		return deliveries.Status != "ok"
	}, testTimeout, 200*time.Millisecond)
	reviews := of(nil, "reviews", "")
	require.Equal(c.t, "warning", reviews.Status)
	require.Equal(c.t, "1 calls wait for a decision", reviews.Detail)
	require.Contains(c.t, reviews.Cure, "aftercall review list")
	require.Equal(c.t, "warning", deliveries.Status)
	require.Equal(c.t, "1 calls are charged, but a target has not accepted their event yet", deliveries.Detail)
	require.Contains(c.t, deliveries.Cure, "aftercall waiting --stage notify")

	// The first version of the tariff begins now: what is open was started before.
	text, err := os.ReadFile(c.stack.Environ()["AFTERCALL_CONFIG"])
	require.NoError(c.t, err)
	late := filepath.Join(c.t.TempDir(), "aftercall.yaml")
	now := time.Now().UTC().Truncate(time.Second)
	require.NoError(c.t, os.WriteFile(late, regexp.MustCompile(`effective_from: 2025\S+`).ReplaceAll(text, []byte("effective_from: "+now.Format(time.RFC3339))), 0o600))
	calls := of(map[string]string{"AFTERCALL_CONFIG": late}, "calls", "clinic")
	require.Equal(c.t, "failed", calls.Status)
	require.Regexp(c.t, `^\d open calls ended before TIME, and no version of consultation is in force before TIME$`, calls.Detail)
	require.Contains(c.t, calls.Cure, "earlier effective_from")
}

// testCheckRefusedRecords: Tencent answers this command, and not the worker.
func (c console) testCheckRefusedRecords() {
	refused := c.place(tencentsim.CallSpec{RecordFault: &tencentsim.APIFault{Code: 70009, Info: "another key"}})
	c.awaitStage(refused, workflows.StageRecord)
	require.Eventually(c.t, func() bool { return strings.Contains(c.red(nil)["calls clinic"], "in the workers' configuration") }, testTimeout, 200*time.Millisecond)
}

// testCheckUnsigned: all callbacks are refused, because the token in Tencent's console
// is another one.
func (c console) testCheckUnsigned() {
	app, ok := c.stack.Config.App(tutoringID)
	require.True(c.t, ok)
	for range 3 {
		resp, err := http.Post(c.stack.CallbackURL(*app)+"?SdkAppid=1400000001&CallbackCommand=Call.CallbackAfterEndCall&Sign=wrong&RequestTime="+
			strconv.FormatInt(time.Now().Unix(), 10), "application/json", strings.NewReader("{}"))
		require.NoError(c.t, err)
		require.NoError(c.t, resp.Body.Close())
		require.Equal(c.t, http.StatusUnauthorized, resp.StatusCode)
	}
	var red map[string]string
	require.Eventually(c.t, func() bool {
		red = c.red(nil, "--probe")
		return len(red) > 0
	}, testTimeout, 200*time.Millisecond)
	require.Len(c.t, red, 1)
	require.Contains(c.t, red["answers tutoring"], "apps[].callback.token")
	require.Contains(c.t, c.run("check").stdout, "FAIL  answers            tutoring  0 callbacks accepted in the last 15 minutes; ")
}

// testCheckDeadStarter: one fault, one red line.
func (c console) testCheckDeadStarter() {
	require.NoError(c.t, c.stack.StopPart("starter"))
	red := c.red(nil, "--probe")
	require.Contains(c.t, red["starters"], "start one")
	delete(red, "answers tutoring")
	require.Len(c.t, red, 1)
	require.NoError(c.t, c.stack.LaunchPart("starter", local.Service{}, nil))
	require.Eventually(c.t, func() bool { return c.stack.Ready(c.ctx) == nil }, testTimeout, 50*time.Millisecond)
	require.NotContains(c.t, c.red(nil, "--probe"), "starters")
}

// testCheckNamespace checks a namespace that was made without reading the
// documentation.
func (c console) testCheckNamespace() {
	_, err := c.stack.Temporal.WorkflowService().RegisterNamespace(c.ctx, &workflowservice.RegisterNamespaceRequest{
		Namespace: "short", WorkflowExecutionRetentionPeriod: durationpb.New(24 * time.Hour),
	})
	require.NoError(c.t, err)
	var o output
	require.Eventually(c.t, func() bool {
		o = c.with(map[string]string{"TEMPORAL_NAMESPACE": "short"}, "check")
		return !strings.Contains(o.stdout, "there is no namespace short")
	}, testTimeout, 200*time.Millisecond)
	require.Equal(c.t, cli.Refused, o.code)
	require.Contains(c.t, o.stdout, `FAIL  retention                    closed workflows are kept for 1 day, not longer than the dedupe_window, 1 day
                                   → temporal operator namespace update --namespace short --retention 10d
`)
	require.Contains(c.t, o.stdout, "FAIL  search attributes            missing: CallApp, ")
	require.Contains(c.t, o.stdout, "FAIL  workers                      no worker polls the task queue aftercall\n")
}

// TestCheckOfSweeps looks at a sweep that runs, and at one that is paused.
func TestCheckOfSweeps(t *testing.T) {
	c := console{t, shared, testContext(t)}
	o := c.until(cli.OK, "", "check")
	require.Regexp(t, `ok +sweep +tutoring  every 1m0s, (all calls up to TIME are listed|no run has ended yet)`, o.stdout)

	var sweeps []struct {
		State   string
		LastRun *struct{ State string } `json:"last_run"`
	}
	require.Eventually(t, func() bool {
		return c.json(&sweeps, nil, "sweep", "status", "--app", "tutoring") == cli.OK && sweeps[0].LastRun != nil && sweeps[0].LastRun.State == "completed"
	}, 2*testTimeout, time.Second, "%+v", &sweeps)
	require.Equal(t, "on", sweeps[0].State)

	schedule := shared.Temporal.ScheduleClient().GetHandle(c.ctx, workflows.SweepID(tutoringID))
	require.NoError(t, schedule.Pause(c.ctx, client.SchedulePauseOptions{Note: "while we look"}))
	t.Cleanup(func() { require.NoError(t, schedule.Unpause(context.Background(), client.ScheduleUnpauseOptions{})) })
	c.until(cli.Refused, "FAIL  sweep              tutoring  the schedule sweep:1400000001 is paused: while we look\n", "check")
	o = c.run("sweep", "status", "--app", "tutoring")
	require.Equal(t, cli.Refused, o.code, o.stderr)
	require.Contains(t, o.stdout, "tutoring  paused  1m0s")
	require.Contains(t, o.stderr, "the schedule sweep:1400000001 is paused: while we look")
	c.until(cli.Refused, "→ temporal schedule toggle --unpause --schedule-id sweep:1400000001\n", "check")
}

// TestCheckOfAForeignTaskQueue moves a schedule to a task queue without workers, as
// a worker did that was once started there. The right worker takes it back.
func TestCheckOfAForeignTaskQueue(t *testing.T) {
	c := console{t, shared, testContext(t)}
	schedule := shared.Temporal.ScheduleClient().GetHandle(c.ctx, workflows.SweepID(tutoringID))
	move := func(in client.ScheduleUpdateInput) (*client.ScheduleUpdate, error) {
		action := in.Description.Schedule.Action.(*client.ScheduleWorkflowAction)
		action.TaskQueue = "canary"
		return &client.ScheduleUpdate{Schedule: &in.Description.Schedule}, nil
	}
	var o output
	require.Eventually(t, func() bool {
		// Again each time, since the worker takes it back, even before a sweep has started.
		if err := schedule.Update(c.ctx, client.ScheduleUpdateOptions{DoUpdate: move}); err != nil {
			return false
		}
		if err := schedule.Trigger(c.ctx, client.ScheduleTriggerOptions{}); err != nil {
			return false
		}
		o = c.run("check")
		return o.code == cli.Refused && strings.Contains(o.stdout, "FAIL  sweep              tutoring  the sweep sweep:1400000001 waits on the task queue canary, which no worker polls\n")
	}, testTimeout, 200*time.Millisecond, "%v", &o)
	require.Contains(t, o.stdout, "→ start a worker of the right task queue")
	c.until(cli.OK, "", "check")
}

// testSchedule changes the configuration of the sweeps, and restarts the worker.
func (c console) testSchedule() {
	path := c.stack.Environ()["AFTERCALL_CONFIG"]
	handle := c.stack.Temporal.ScheduleClient().GetHandle(c.ctx, workflows.SweepID(clinicID))
	boot := func(from, to string, done func() bool) {
		c.t.Helper()
		data, err := os.ReadFile(path)
		require.NoError(c.t, err)
		require.Contains(c.t, string(data), from)
		require.NoError(c.t, os.WriteFile(path, []byte(strings.ReplaceAll(string(data), from, to)), 0o600))
		require.NoError(c.t, c.stack.StopPart("worker"))
		require.NoError(c.t, c.stack.StartWorker(c.ctx))
		require.Eventually(c.t, done, testTimeout, 50*time.Millisecond)
	}
	every := func(want time.Duration) func() bool {
		return func() bool {
			d, err := handle.Describe(c.ctx)
			return err == nil && len(d.Schedule.Spec.Intervals) == 1 && d.Schedule.Spec.Intervals[0].Every == want
		}
	}
	boot("every: off", "every: 10m", every(10*time.Minute))
	d, err := handle.Describe(c.ctx)
	require.NoError(c.t, err)
	require.Equal(c.t, enumspb.SCHEDULE_OVERLAP_POLICY_SKIP, d.Schedule.Policy.Overlap)
	require.Equal(c.t, 7*24*time.Hour, d.Schedule.Policy.CatchupWindow)
	boot("every: 10m", "every: 20m", every(20*time.Minute))
	boot("every: 20m", "every: off", func() bool {
		_, err := handle.Describe(c.ctx)
		return errors.As(err, new(*serviceerror.NotFound))
	})
}
