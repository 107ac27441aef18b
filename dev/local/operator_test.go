package local_test

import (
	"context"
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"aftercall/dev/local"
	"aftercall/dev/tencentsim"
	"aftercall/internal/cli"
	"aftercall/internal/ledger"
	"aftercall/internal/tencent"
	"aftercall/internal/testenv"
	"aftercall/workflows"
)

const (
	clinicID   tencent.SDKAppID = 1400000000
	tutoringID tencent.SDKAppID = 1400000001
	seminarID  tencent.SDKAppID = 1400000002
)

// closedPort is an address that refuses connections.
const closedPort = "127.0.0.1:1"

// Environments in which a part is missing.
var (
	redisDown    = map[string]string{"REDIS_URL": "redis://" + closedPort}
	temporalDown = map[string]string{"TEMPORAL_ADDRESS": closedPort}
	noLedger     = map[string]string{"LEDGER_URL": "sqlite:/nowhere/ledger.db"}
	wrongKeys    = map[string]string{"CLINIC_SECRET_KEY": "another", "TUTORING_SECRET_KEY": "another"}
)

// console runs commands against a stack.
type console struct {
	t     *testing.T
	stack *local.Stack
	ctx   context.Context
}

// output is what a command printed, with what changes from run to run taken out.
type output struct {
	code           int
	stdout, stderr string
}

func (c console) in(ctx context.Context, change map[string]string, stderr *testenv.Log, args ...string) output {
	environ := c.stack.Environ()
	environ["COLUMNS"] = "500" // what wraps depends on the length of paths
	for name, value := range change {
		environ[name] = value
	}
	var stdout testenv.Log
	code := cli.Run(ctx, cli.Process{Environ: environ, Stdout: &stdout, Stderr: stderr}, args)
	for _, secret := range []string{"clinic-callback-path-secret", "tutoring-callback-path-secret"} {
		if !strings.Contains(strings.Join(args, " "), "--show-secret") {
			require.NotContains(c.t, stdout.String()+stderr.String(), secret)
		}
	}
	return output{code, normalize(stdout.String()), normalize(stderr.String())}
}

func (c console) with(change map[string]string, args ...string) output {
	return c.in(c.ctx, change, &testenv.Log{}, args...)
}

func (c console) run(args ...string) output { return c.with(nil, args...) }

// until runs a command until it ends with the code and has printed want. A check of a busy
// machine may be late for a moment, and says so.
func (c console) until(code int, want string, args ...string) (o output) {
	c.t.Helper()
	require.Eventually(c.t, func() bool {
		o = c.run(args...)
		return o.code == code && strings.Contains(o.stdout, want)
	}, testTimeout, 200*time.Millisecond, "%q: %v", want, &o)
	return o
}

// json runs a command and decodes its result.
func (c console) json(into any, change map[string]string, args ...string) int {
	c.t.Helper()
	o := c.with(change, append(args, "--output", "json")...)
	require.NoError(c.t, json.Unmarshal([]byte(o.stdout), into), o.stdout+o.stderr)
	return o.code
}

// normalize replaces what changes from run to run in a text.
func normalize(text string) string {
	for _, rule := range []struct{ pattern, name string }{
		{`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ`, "TIME"},
		{`127\.0\.0\.1:\d{4,}`, "HOST"},
		{`(sqlite://|^|[ \n])/\S*/(ledger\.db|evidence\.db|aftercall\.yaml)`, "${1}DIR/$2"},
		{`\b\d+(\.\d+)?(ms|µs|s)\b`, "DURATION"},
		{`Id-[0-9a-f]{32}-O-Seq-\d+`, "REQUEST"},
		{`/[0-9a-f]{8}-[0-9a-f-]{27}/history`, "/RUN/history"},
		{`\b(2[3-9]|3[01]) h\b`, "HOURS"},
		{`\d+ apps, \d+ targets, \d+ tariffs`, "APPS"},
		{`\d+ (checks|are registered)`, "N $1"},
		{`\d+ GiB free`, "N GiB free"},
		{`server \d+\.\d+\.\d+`, "server VERSION"},
		{`version \d+\.\d+\.\d+`, "version VERSION"},
	} {
		text = regexp.MustCompile(rule.pattern).ReplaceAllString(text, rule.name)
	}
	return text
}

// place lets a call end six seconds ago, so that its record can be read.
func (c console) place(spec tencentsim.CallSpec) tencentsim.Call {
	c.t.Helper()
	if spec.EndedAgoSeconds == 0 {
		spec.EndedAgoSeconds = 6
	}
	if spec.SDKAppID == 0 {
		spec.SDKAppID = clinicID
	}
	spec.Seconds = 61
	call, err := c.stack.Tencent.PlaceCall(spec)
	require.NoError(c.t, err)
	return call
}

func (c console) follow(call tencentsim.Call) local.Execution {
	c.t.Helper()
	f, err := local.Follow(c.ctx, c.stack.Temporal, call)
	require.NoError(c.t, err)
	require.NoError(c.t, f.Err)
	return f
}

// entries are a call's in the ledger.
func (c console) entries(call tencentsim.Call) []ledger.Entry {
	c.t.Helper()
	store, err := ledger.OpenReadOnly(c.ctx, "sqlite:"+c.stack.LedgerPath())
	require.NoError(c.t, err)
	defer store.Close()
	entries, err := store.Get(c.ctx, call.SDKAppID, call.Record.CallID)
	require.NoError(c.t, err)
	return entries
}

// awaitStage waits until the workflow of a call is at a stage and waits for something.
func (c console) awaitStage(call tencentsim.Call, stage workflows.Stage) {
	c.t.Helper()
	require.Eventually(c.t, func() bool {
		value, err := c.stack.Query(c.ctx, local.WorkflowID(call), "", workflows.QueryStatus)
		var status workflows.Status
		return err == nil && value.Get(&status) == nil && status.Stage == stage && (status.WaitingFor != "" || status.Review != nil)
	}, testTimeout, 50*time.Millisecond)
}

// TestOperator runs the commands of an operator against a stack of its own.
func TestOperator(t *testing.T) {
	t.Parallel()
	// No sweeps, because one could find a call before the operator does, and an app
	// that went live an hour ago.
	stack := startStackWithConfig(t, "every: 1m", "every: off",
		"    tariff: consultation\n", "    tariff: consultation\n    record_deadline: 2s\n", "    tariff: seminars\n", "    tariff: seminars\n    record_deadline: 2s\n",
		"    tariff: lessons\n    go_live: 2025-01-01T00:00:00Z\n", "    tariff: lessons\n    go_live: "+time.Now().Add(-time.Hour).UTC().Format(time.RFC3339)+"\n")
	for _, test := range []struct {
		name string
		run  func(console)
	}{
		{"check", console.testCheck},
		{"check says what is wrong", console.testCheckRed},
		{"check of callbacks that are refused", console.testCheckUnsigned},
		{"check without a starter", console.testCheckDeadStarter},
		{"check of a namespace that is not fit", console.testCheckNamespace},
		{"callback", console.testCallback},
		{"target test", console.testTarget},
		{"callback of somebody else", console.testForeignCallback},
		{"call", console.testCall},
		{"call that waits", console.testCallThatWaits},
		{"check of calls that are not done", console.testCheckOpenCalls},
		{"call that is followed", console.testFollow},
		{"calls that are retried", console.testRetry},
		{"call with parts down", console.testCallWithPartsDown},
		{"record that never appears", console.testRecordDeadline},
		{"start", console.testStart},
		{"start of a call that was only seen", console.testStartSeen},
		{"start refuses", console.testStartRefuses},
		{"backfill", console.testBackfill},
		{"backfill refuses", console.testBackfillRefuses},
		{"wrong task queue", console.testWrongTaskQueue},
		{"backfill is resumed", console.testBackfillResumed},
		{"schedule follows the configuration", console.testSchedule},
		{"check of a worker that Tencent refuses", console.testCheckRefusedRecords},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(console{t, stack, testContext(t)}) })
	}
}
