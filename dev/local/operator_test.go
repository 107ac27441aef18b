package local_test

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"aftercall/dev/local"
	"aftercall/dev/tencentsim"
	"aftercall/internal/cli"
	"aftercall/internal/ledger"
	windows "aftercall/internal/sweep"
	"aftercall/internal/tencent"
	"aftercall/starter/operator"
	"aftercall/workflows"
)

const (
	clinicID   tencent.SDKAppID = 1400000000
	tutoringID tencent.SDKAppID = 1400000001
)

// nobody is an address where nobody listens.
const nobody = "127.0.0.1:1"

// Environments in which a part is missing.
var (
	redisDown    = map[string]string{"REDIS_URL": "redis://" + nobody}
	temporalDown = map[string]string{"TEMPORAL_ADDRESS": nobody}
	noLedger     = map[string]string{"LEDGER_URL": "sqlite:/nowhere/ledger.db"}
	wrongKeys    = map[string]string{"CLINIC_SECRET_KEY": "another", "TUTORING_SECRET_KEY": "another"}
)

// console is where the commands of the starter are typed.
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

// buffer can be read while it is written to.
type buffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write implements io.Writer.
func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

// String is what was written so far.
func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

func (c console) in(ctx context.Context, change map[string]string, stderr *buffer, args ...string) output {
	environ := c.stack.Environ()
	for name, value := range change {
		environ[name] = value
	}
	var stdout buffer
	code := operator.Run(ctx, cli.Process{Environ: environ, Stdout: &stdout, Stderr: stderr}, args)
	for _, secret := range []string{"clinic-callback-path-secret", "tutoring-callback-path-secret"} {
		if !strings.Contains(strings.Join(args, " "), "--show-secret") {
			require.NotContains(c.t, stdout.String()+stderr.String(), secret)
		}
	}
	return output{code, normal(stdout.String()), normal(stderr.String())}
}

func (c console) with(change map[string]string, args ...string) output {
	return c.in(c.ctx, change, &buffer{}, args...)
}

func (c console) run(args ...string) output { return c.with(nil, args...) }

// json runs a command and decodes its result.
func (c console) json(into any, change map[string]string, args ...string) int {
	c.t.Helper()
	o := c.with(change, append(args, "--output", "json")...)
	require.NoError(c.t, json.Unmarshal([]byte(o.stdout), into), o.stdout+o.stderr)
	return o.code
}

// normal takes out of a text what changes from run to run.
func normal(text string) string {
	for _, rule := range []struct{ pattern, name string }{
		{`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ`, "TIME"},
		{`127\.0\.0\.1:\d{4,}`, "HOST"},
		{`(sqlite://|^|[ \n])/\S*/(ledger\.db|aftercall\.yaml)`, "${1}DIR/$2"},
		{`\b\d+(\.\d+)?(ms|µs|s)\b`, "DURATION"},
		{`Id-[0-9a-f]{32}-O-Seq-\d+`, "REQUEST"},
		{`/[0-9a-f]{8}-[0-9a-f-]{27}/history`, "/RUN/history"},
		{`\b19\d h\b`, "HOURS"},
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

func (c console) follow(call tencentsim.Call) local.Followed {
	c.t.Helper()
	f, err := local.Follow(c.ctx, c.stack.Temporal, call)
	require.NoError(c.t, err)
	require.NoError(c.t, f.Err)
	return f
}

// entries are a call's in the ledger.
func (c console) entries(call tencentsim.Call) []ledger.Entry {
	c.t.Helper()
	book, err := ledger.OpenReadOnly(c.ctx, "sqlite:"+c.stack.LedgerPath())
	require.NoError(c.t, err)
	defer book.Close()
	entries, err := book.Get(c.ctx, call.SDKAppID, call.Record.CallID)
	require.NoError(c.t, err)
	return entries
}

// reaches waits until the workflow of a call is at a stage and waits for something.
func (c console) reaches(call tencentsim.Call, stage workflows.Stage) {
	c.t.Helper()
	require.Eventually(c.t, func() bool {
		value, err := c.stack.Temporal.QueryWorkflow(c.ctx, local.WorkflowID(call), "", workflows.QueryStatus)
		var status workflows.Status
		return err == nil && value.Get(&status) == nil && status.Stage == stage && (status.WaitingFor != "" || status.Review != nil)
	}, soon, 50*time.Millisecond)
}

// operatedConfig is the development configuration without sweeps, which would
// be faster than an operator, and with an app that went live an hour ago.
func operatedConfig(t *testing.T) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(root, "dev", "aftercall.yaml"))
	require.NoError(t, err)
	text := strings.ReplaceAll(string(data), "every: 1m", "every: off")
	text = strings.Replace(text, "    tariff: consultation\n", "    tariff: consultation\n    record_deadline: 2s\n", 1)
	text = strings.Replace(text, "    tariff: lessons\n", "    tariff: lessons\n    go_live: "+time.Now().Add(-time.Hour).UTC().Format(time.RFC3339)+"\n", 1)
	path := filepath.Join(t.TempDir(), "aftercall.yaml")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

// TestOperator types every command of the starter against a stack of its own.
func TestOperator(t *testing.T) {
	o, err := options(t.TempDir())
	require.NoError(t, err)
	o.Environ = map[string]string{"AFTERCALL_CONFIG": operatedConfig(t)}
	stack, err := local.Start(within(t), o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, stack.Stop(context.Background())) })
	for _, test := range []struct {
		name string
		run  func(console)
	}{
		{"check", console.testCheck},
		{"check says what is wrong", console.testCheckRed},
		{"callback", console.testCallback},
		{"callback of somebody else", console.testForeignCallback},
		{"call", console.testCall},
		{"call that waits", console.testCallThatWaits},
		{"call with parts down", console.testCallWithPartsDown},
		{"record that never appears", console.testPatience},
		{"start", console.testStart},
		{"start refuses", console.testStartRefuses},
		{"backfill", console.testBackfill},
		{"backfill refuses", console.testBackfillRefuses},
		{"backfill is resumed", console.testBackfillResumed},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(console{t, stack, within(t)}) })
	}
}

func (c console) testCheck() {
	o := c.run("check")
	require.Equal(c.t, cli.OK, o.code, o.stdout+o.stderr)
	require.Equal(c.t, `    CHECK              APP       FOUND
ok  configuration                DIR/aftercall.yaml: 2 apps, 2 targets, 2 tariffs
ok  redis                        redis://HOST/0 answers in DURATION, version VERSION
ok  temporal                     namespace default, server VERSION
ok  retention                    closed workflows are kept for 10 days, longer than the 8 days that Redis remembers a call
ok  search attributes            all 6 are registered
ok  workers                      1 on the task queue aftercall
ok  ledger                       sqlite://DIR/ledger.db, its tables are of this release
ok  sweep              clinic    off, as configured: calls whose callback is lost are not found
ok  record api         clinic    http://HOST answers in DURATION and takes the credentials
ok  callback           clinic    http://HOST/tencent/call/[the app's secret]
ok  sweep              tutoring  off, as configured: calls whose callback is lost are not found
ok  record api         tutoring  http://HOST answers in DURATION and takes the credentials
ok  callback           tutoring  http://HOST/tencent/call/[the app's secret]

All 13 checks are green.
`, o.stdout)
	require.Empty(c.t, o.stderr)
}

func (c console) testCheckRed() {
	o := c.with(wrongKeys, "check")
	require.Equal(c.t, cli.Refused, o.code)
	require.Contains(c.t, o.stdout, `RED  record api         clinic    clinic: the UserSig is signed with another key (Tencent answers 70009, `)
	require.Contains(c.t, o.stdout, "→ copy SDKSecretKey of the app from the Tencent RTC console to apps[].secret_key\n")
	require.Equal(c.t, "starter: 4 of 13 checks are red\n", o.stderr)

	for name, tt := range map[string]struct {
		change map[string]string
		red    map[string]string // by check, with the cure
	}{
		"redis down":    {redisDown, map[string]string{"redis": "is Redis up"}},
		"temporal down": {temporalDown, map[string]string{"temporal": "TEMPORAL_ADDRESS", "retention": "", "search attributes": "", "workers": ""}},
		"namespace":     {map[string]string{"TEMPORAL_NAMESPACE": "nowhere"}, map[string]string{"temporal": "TEMPORAL_NAMESPACE", "retention": "", "search attributes": "", "workers": ""}},
		"task queue":    {map[string]string{"AFTERCALL_TASK_QUEUE": "elsewhere"}, map[string]string{"workers": "AFTERCALL_TASK_QUEUE"}},
		"no ledger":     {noLedger, map[string]string{"ledger": "LEDGER_URL must be the worker's"}},
		"configuration": {map[string]string{"AFTERCALL_CONFIG": "/nowhere.yaml"}, map[string]string{"configuration": "docs/configuration.md"}},
	} {
		var found []struct {
			Check, Detail, Cure string
			OK                  bool
		}
		require.Equal(c.t, cli.Refused, c.json(&found, tt.change, "check"), name)
		red := map[string]string{}
		for _, f := range found {
			if !f.OK {
				red[f.Check] = f.Cure
				require.NotEmpty(c.t, f.Detail, name)
			}
		}
		require.Len(c.t, red, len(tt.red), "%s: %v", name, red)
		for check, cure := range tt.red {
			require.Contains(c.t, red, check, name)
			require.Contains(c.t, red[check], cure, name)
		}
	}
}

func (c console) testCallback() {
	o := c.run("callback", "show", "--app", "tutoring")
	require.Equal(c.t, output{cli.OK, `App         tutoring (1400000001)
Registered  http://HOST/tencent/call/[the app's secret]
            Call.CallbackAfterEndCall
Wanted      http://HOST/tencent/call/[the app's secret]
            Call.CallbackAfterEndCall
Difference  none
`, ""}, o)
	require.Contains(c.t, c.run("callback", "show", "--app", "1400000001", "--show-secret").stdout, "/tencent/call/tutoring-callback-path-secret\n")

	require.Equal(c.t, cli.OK, c.run("callback", "delete", "--app", "tutoring", "--dry-run").code)
	require.True(c.t, c.registered(tutoringID), "a dry run does nothing")
	require.Equal(c.t, cli.OK, c.run("callback", "delete", "--app", "tutoring").code)
	require.False(c.t, c.registered(tutoringID))
	o = c.run("callback", "show")
	require.Equal(c.t, cli.Refused, o.code)
	require.Contains(c.t, o.stdout, "Registered  none: Tencent posts no callbacks\n")
	require.Contains(c.t, o.stdout, "Difference  no callback is registered\n")
	require.Equal(c.t, "starter: 1 of 2 registrations are not what is configured\n  → mend it with: starter callback set\n", o.stderr)
	require.Contains(c.t, c.run("check").stdout, "RED  callback           tutoring  no callback is registered\n")

	require.Contains(c.t, c.run("callback", "set", "--app", "tutoring", "--dry-run").stdout, "Done        would set\n")
	require.False(c.t, c.registered(tutoringID))
	o = c.run("callback", "set", "--app", "tutoring")
	require.Equal(c.t, output{cli.OK, `App         tutoring (1400000001)
Was         none: Tencent posts no callbacks
Is now      http://HOST/tencent/call/[the app's secret]
            Call.CallbackAfterEndCall
Difference  no callback is registered
Done        set
`, ""}, o)
	require.Equal(c.t, cli.OK, c.run("callback", "show").code)

	// Other commands are no other URL.
	o = c.run("callback", "set", "--app", "tutoring", "--commands", "Call.CallbackAfterEndCall,Call.CallbackAfterStartCall")
	require.Equal(c.t, cli.OK, o.code)
	require.Contains(c.t, o.stdout, "Call.CallbackAfterStartCall is not posted\n")
	o = c.run("callback", "show", "--app", "tutoring")
	require.Equal(c.t, cli.Refused, o.code)
	require.Contains(c.t, o.stdout, "Call.CallbackAfterStartCall is posted, for nobody\n")
	require.Equal(c.t, cli.OK, c.run("callback", "set", "--app", "tutoring").code)

	for want, args := range map[string][]string{
		"several apps are configured\n  → say which with --app: clinic, tutoring":      {"callback", "set"},
		"there is no app \"clnic\"\n  → configured are: clinic, tutoring":              {"callback", "set", "--app", "clnic"},
		"Tencent knows no Call.Foo\n  → there are: Call.CallbackAfterStartCall, ":      {"callback", "set", "--app", "clinic", "--commands", "Call.Foo"},
		"--url is no address\n  → write https://<host>/tencent/call/<secret>":          {"callback", "set", "--app", "clinic", "--url", "elsewhere"},
		"unknown flag --frce, did you mean \"--force\"?\n  → see starter callback set": {"callback", "set", "--frce"},
	} {
		o := c.run(args...)
		require.Equal(c.t, cli.Usage, o.code, want)
		require.Contains(c.t, o.stderr, want)
	}
	o = c.with(wrongKeys, "callback", "show", "--app", "clinic")
	require.Equal(c.t, cli.Failed, o.code)
	require.Contains(c.t, o.stderr, "Tencent answers 70009")
	require.Contains(c.t, o.stderr, "→ copy SDKSecretKey")
	o = c.with(map[string]string{"DEV_TENCENT_URL": "http://" + nobody}, "callback", "show", "--app", "clinic")
	require.Equal(c.t, cli.Failed, o.code)
	require.Contains(c.t, o.stderr, "→ can this machine reach http://"+nobody+"?")
}

func (c console) registered(app tencent.SDKAppID) bool {
	_, ok := c.stack.Tencent.Callback(app)
	return ok
}

func (c console) testForeignCallback() {
	const foreign = "https://other.example.com/hooks/rtc?token=canary"
	o := c.run("callback", "set", "--app", "tutoring", "--url", foreign)
	require.Equal(c.t, cli.Refused, o.code, "it is another URL than the one that is registered")
	o = c.run("callback", "set", "--app", "tutoring", "--url", foreign, "--force")
	require.Equal(c.t, cli.OK, o.code)
	require.Contains(c.t, o.stderr, "note: --url does not end in /tencent/call/ and the app's secret")
	require.NotContains(c.t, o.stdout+o.stderr, "canary")

	for _, args := range [][]string{{"set"}, {"set", "--dry-run"}, {"delete"}} {
		o = c.run(append([]string{"callback"}, append(args, "--app", "tutoring")...)...)
		require.Equal(c.t, cli.Refused, o.code)
		require.Contains(c.t, o.stdout, "Difference  callbacks go to https://other.example.com/hooks/rtc?[…], not to http://HOST/tencent/call/[the app's secret]\n")
		require.Contains(c.t, o.stderr, "another URL is registered")
		require.Contains(c.t, o.stderr, "--force")
		have, ok := c.stack.Tencent.Callback(tutoringID)
		require.True(c.t, ok)
		require.Equal(c.t, foreign, have.URL, "it is left alone")
	}
	require.Contains(c.t, c.run("callback", "set", "--app", "tutoring", "--dry-run", "--force").stdout, "would set")
	have, _ := c.stack.Tencent.Callback(tutoringID)
	require.Equal(c.t, foreign, have.URL)

	require.Equal(c.t, cli.OK, c.run("callback", "set", "--app", "tutoring", "--force").code)
	require.Equal(c.t, cli.OK, c.run("callback", "show").code)

	// A secret that was changed in the configuration only.
	o = c.with(map[string]string{"TUTORING_CALLBACK_SECRET": "a-secret-of-tomorrow"}, "callback", "show", "--app", "tutoring")
	require.Equal(c.t, cli.Refused, o.code)
	require.Contains(c.t, o.stdout, "callbacks go to http://HOST/tencent/call/[another secret], not to http://HOST/tencent/call/[the app's secret]\n")
}

func (c console) testCall() {
	call := c.place(tencentsim.CallSpec{CallID: "call-charged"})
	c.follow(call)
	o := c.run("call", "call-charged")
	require.Equal(c.t, output{cli.OK, `Call      call-charged of clinic (1400000000)
Stands    done: charge of 0.24 USD for 120 s
Redis     remembers its callback for another HOURS
Workflow  completed, started TIME by callback, closed TIME
          call:1400000000:call-charged
          http://HOST/namespaces/default/workflows/call:1400000000:call-charged/RUN/history
Ledger    charge:1400000000:call-charged: 0.24 USD for 120 s, by tariff consultation, booked TIME
Delivery  crm: delivered since TIME
`, ""}, o)

	require.NoError(c.t, c.stack.Forget(c.ctx, call))
	o = c.run("call", "call-charged", "--app", "clinic")
	require.Equal(c.t, output{cli.OK, `Call      call-charged of clinic (1400000000)
Stands    done: charge of 0.24 USD for 120 s
Redis     does not remember it
Workflow  none, or forgotten by the namespace
Ledger    charge:1400000000:call-charged: 0.24 USD for 120 s, by tariff consultation, booked TIME
`, ""}, o)

	o = c.run("call", "call-unknown")
	require.Equal(c.t, cli.NotFound, o.code)
	require.Empty(c.t, o.stdout)
	require.Contains(c.t, o.stderr, "nobody knows the call call-unknown")
	require.Contains(c.t, o.stderr, "→ if Tencent knows it, this starts it: starter start call-unknown --app …\n")
	require.Equal(c.t, cli.NotFound, c.run("call", "call-charged", "--app", "tutoring").code, "of another app")
	require.Equal(c.t, cli.Usage, c.run("call", "call-charged", "--app", "nobody").code)
	require.Equal(c.t, cli.Usage, c.run("call", "").code)

	for _, app := range []tencent.SDKAppID{clinicID, tutoringID} {
		c.follow(c.place(tencentsim.CallSpec{CallID: "call-twice", SDKAppID: app}))
	}
	o = c.run("call", "call-twice")
	require.Equal(c.t, cli.Usage, o.code)
	require.Contains(c.t, o.stderr, "several apps know this CallId: clinic, tutoring\n  → say which with --app\n")
}

func (c console) testCallThatWaits() {
	reviewed := c.place(tencentsim.CallSpec{CallID: "call-reviewed", Record: json.RawMessage(`{"AcceptTime":0}`)})
	stuck := c.place(tencentsim.CallSpec{CallID: "call-stuck", RecordFault: &tencentsim.APIFault{Code: tencent.CodeInternal, Info: "down"}})
	c.reaches(reviewed, workflows.StageReview)
	c.reaches(stuck, workflows.StageRecord)

	o := c.run("call", "call-reviewed")
	require.Equal(c.t, cli.OK, o.code)
	require.Contains(c.t, o.stdout, "Stands    waits for a person's decision since TIME: needs review: CallResult is NormalEnd but AcceptTime is 0\n")
	require.Contains(c.t, o.stdout, "Ledger    no entry\n")

	var found struct {
		Workflow struct {
			State, Link string
			Status      workflows.Status
			Pending     []struct {
				Activity    string
				LastFailure string `json:"last_failure"`
			}
		}
	}
	require.Eventually(c.t, func() bool {
		return c.json(&found, nil, "call", "call-stuck") == cli.OK && len(found.Workflow.Pending) > 0 && found.Workflow.Pending[0].LastFailure != ""
	}, soon, 100*time.Millisecond)
	require.Equal(c.t, "running", found.Workflow.State)
	require.Equal(c.t, "FetchRecord", found.Workflow.Pending[0].Activity)
	require.Contains(c.t, found.Workflow.Pending[0].LastFailure, "101001 (down)")
	require.Contains(c.t, found.Workflow.Status.WaitingFor, "101001 (down)")
	o = c.run("call", "call-stuck")
	require.Contains(c.t, o.stdout, "Stands    at record, waits since TIME for the call record: ")
	require.Contains(c.t, o.stdout, "Pending   FetchRecord, attempt ")
	require.Contains(c.t, o.stdout, "last failure: v4/call_record_http_srv/get_record_by_callid answered 101001 (down)")
}

func (c console) testCallWithPartsDown() {
	o := c.with(redisDown, "call", "call-twice", "--app", "clinic")
	require.Equal(c.t, cli.Incomplete, o.code)
	require.Contains(c.t, o.stdout, "Redis     does not answer\n")
	require.Contains(c.t, o.stdout, "Stands    done: charge of 0.24 USD")
	require.Contains(c.t, o.stderr, "starter: this is not all: Redis does not answer: ")
	require.Contains(c.t, o.stderr, "→ starter check says what is wrong\n")

	o = c.with(temporalDown, "call", "call-twice", "--app", "clinic")
	require.Equal(c.t, cli.Incomplete, o.code)
	require.Contains(c.t, o.stdout, "Workflow  Temporal does not answer\n")
	require.Contains(c.t, o.stdout, "Ledger    charge:1400000000:call-twice")

	o = c.with(noLedger, "call", "call-reviewed")
	require.Equal(c.t, cli.Incomplete, o.code)
	require.Contains(c.t, o.stdout, "Ledger    does not answer\n")
	require.Contains(c.t, o.stdout, "Stands    waits for a person's decision")

	o = c.with(temporalDown, "call", "call-unknown")
	require.Equal(c.t, cli.Incomplete, o.code, "who does not answer may know it")
	require.Contains(c.t, o.stderr, "nobody who answers knows the call call-unknown; but Temporal does not answer")
}

// testPatience has the record API down for longer than record_deadline, and
// then without a record: the deadline counts from its first answer.
func (c console) testPatience() {
	before := c.stack.Tencent.Stats().API(clinicID, tencentsim.APIRecordByCallID)
	call := c.place(tencentsim.CallSpec{
		CallID: "call-patience", RecordAfterSeconds: 3600, RecordFault: &tencentsim.APIFault{Code: tencent.CodeInternal, Times: 2},
	})
	c.reaches(call, workflows.StageReview)
	require.Contains(c.t, c.run("call", "call-patience").stdout, "no record of this call until the deadline")
	answers := c.stack.Tencent.Stats().API(clinicID, tencentsim.APIRecordByCallID).Requests - before.Requests
	require.GreaterOrEqual(c.t, answers, 4, "two failures, a first answer, and one after the deadline")
}

func (c console) testStart() {
	call := c.place(tencentsim.CallSpec{CallID: "call-lost", Lose: true})
	require.Contains(c.t, c.run("start", "call-lost", "--app", "clinic", "--dry-run").stdout, "Outcome  would be started\n")
	require.Equal(c.t, cli.NotFound, c.run("call", "call-lost").code)
	o := c.run("start", "call-lost", "--app", "clinic")
	require.Equal(c.t, output{cli.OK, `Call      call-lost of clinic (1400000000)
Outcome   started
Workflow  call:1400000000:call-lost
          http://HOST/namespaces/default/workflows/call:1400000000:call-lost
`, ""}, o)
	require.Equal(c.t, workflows.SourceManual, c.follow(call).Source)
	o = c.run("start", "call-lost", "--app", "clinic")
	require.Equal(c.t, output{cli.OK, `Call     call-lost of clinic (1400000000)
Outcome  nothing to do: the call is in the ledger, 0.24 USD for 120 s
`, ""}, o)
	require.NoError(c.t, c.stack.Forget(c.ctx, call))
	require.Contains(c.t, c.run("start", "call-lost", "--app", "clinic").stdout, "the call is in the ledger")
	require.Len(c.t, c.entries(call), 1)
	require.Equal(c.t, 1, c.stack.Arrivals("crm", "call-lost"))

	var report struct {
		Outcome      string
		BeforeGoLive bool `json:"before_go_live"`
	}
	require.Equal(c.t, cli.OK, c.json(&report, nil, "start", "call-reviewed", "--app", "clinic"))
	require.Equal(c.t, "has_workflow", report.Outcome)

	early := c.place(tencentsim.CallSpec{CallID: "call-early", SDKAppID: tutoringID, EndedAgoSeconds: 7200, Lose: true})
	require.Equal(c.t, cli.OK, c.json(&report, nil, "start", "call-early", "--app", "tutoring"))
	require.Equal(c.t, "started", report.Outcome)
	require.True(c.t, report.BeforeGoLive, "go_live does not bind an operator")
	c.follow(early)
	require.Len(c.t, c.entries(early), 1)
}

func (c console) testStartRefuses() {
	for name, tt := range map[string]struct {
		change map[string]string
		args   []string
		code   int
		want   string
	}{
		"unknown":       {nil, []string{"no-such-call", "--app", "clinic"}, cli.NotFound, "clinic: Tencent has no record of this call\n  → records appear five seconds after the end"},
		"wrong keys":    {wrongKeys, []string{"no-such-call", "--app", "clinic"}, cli.Failed, "70009"},
		"no app":        {nil, []string{"no-such-call"}, cli.Usage, "say which with --app"},
		"wrong app":     {nil, []string{"no-such-call", "--app", "x"}, cli.Usage, `there is no app "x"`},
		"nothing":       {nil, nil, cli.Usage, "<CallId>"},
		"temporal down": {temporalDown, []string{"call-second", "--app", "clinic"}, cli.Failed, "Temporal does not answer"},
	} {
		if name == "temporal down" {
			c.place(tencentsim.CallSpec{CallID: "call-second", Lose: true})
		}
		o := c.with(tt.change, append([]string{"start"}, tt.args...)...)
		require.Equal(c.t, tt.code, o.code, name)
		require.Contains(c.t, o.stderr, tt.want, name)
		require.Empty(c.t, o.stdout, name)
	}
	// Without the ledger and Redis the worker still sees to it that nothing is charged twice.
	o := c.with(noLedger, "start", "call-second", "--app", "clinic")
	require.Equal(c.t, cli.OK, o.code)
	require.Contains(c.t, o.stderr, "note: the ledger cannot be asked whether it has the call")
	require.Contains(c.t, o.stdout, "Outcome   started\n")
}

// stretch is the last twenty minutes, also as flags of backfill.
func stretch() (windows.Window, []string) {
	now := time.Now().UTC().Truncate(time.Second)
	w := windows.Window{From: now.Add(-20 * time.Minute), To: now.Add(-time.Second)}
	return w, between(w)
}

func between(w windows.Window) []string {
	return []string{"--from", w.From.Format(time.RFC3339), "--to", w.To.Format(time.RFC3339)}
}

type backfilled struct {
	WorkflowID                     string `json:"workflow_id"`
	DryRun, Attached               bool
	Listed, Known, Started, Failed int
	BeforeGoLive                   int `json:"before_go_live"`
	Examples                       []string
}

func (c console) testBackfill() {
	// A CallId that a query would have to escape, with a workflow.
	odd := c.place(tencentsim.CallSpec{CallID: `it's "odd" \ too`, SDKAppID: tutoringID, Record: json.RawMessage(`{"AcceptTime":0}`)})
	c.reaches(odd, workflows.StageReview)
	var lost []tencentsim.Call
	for range 25 {
		lost = append(lost, c.place(tencentsim.CallSpec{SDKAppID: tutoringID, Lose: true}))
	}
	_, flags := stretch()
	args := append([]string{"backfill", "--app", "tutoring"}, flags...)
	var dry, first, second backfilled
	require.Equal(c.t, cli.OK, c.json(&dry, nil, append(args, "--dry-run")...))
	require.Equal(c.t, len(lost), dry.Started, "%+v", dry)
	require.Len(c.t, dry.Examples, 20)
	require.Equal(c.t, dry.Listed, dry.Known+dry.Started)
	require.Equal(c.t, cli.NotFound, c.run("call", lost[0].Record.CallID).code, "a dry run starts nothing")

	require.Equal(c.t, cli.OK, c.json(&first, nil, args...))
	require.Equal(c.t, len(lost), first.Started)
	require.Equal(c.t, cli.OK, c.json(&second, nil, args...))
	require.Zero(c.t, second.Started)
	require.Equal(c.t, first.WorkflowID, second.WorkflowID)
	for _, call := range lost {
		c.follow(call)
		require.Len(c.t, c.entries(call), 1)
		require.Equal(c.t, 1, c.stack.Arrivals("crm", call.Record.CallID))
	}
	o := c.run(append(args, "--dry-run")...)
	require.Equal(c.t, cli.OK, o.code)
	require.Contains(c.t, o.stdout, "Backfill     tutoring, TIME to TIME\n")
	require.Contains(c.t, o.stdout, "Known        "+strconv.Itoa(second.Known)+" in the ledger or with a workflow\nWould start  0\n")

	// Before go_live is nobody's business.
	c.place(tencentsim.CallSpec{CallID: "call-earlier", SDKAppID: tutoringID, EndedAgoSeconds: 7300, Lose: true})
	now := time.Now().UTC()
	var early backfilled
	require.Equal(c.t, cli.OK, c.json(&early, nil, append([]string{"backfill", "--app", "tutoring"},
		between(windows.Window{From: now.Add(-3 * time.Hour), To: now.Add(-2 * time.Hour)})...)...))
	require.Equal(c.t, 1, early.BeforeGoLive)
	require.Zero(c.t, early.Started)
}

func (c console) testBackfillRefuses() {
	now := time.Now().UTC()
	_, flags := stretch()
	for want, args := range map[string][]string{
		"--from must be before --to":                        {"--from", "2026-03-02", "--to", "2026-03-01"},
		"--to is in the future":                             {"--from", "2026-03-02", "--to", now.Add(time.Hour).Format(time.RFC3339)},
		"Tencent keeps records for seven days":              {"--from", "2020-01-01", "--to", "2020-01-02"},
		"--from: must be as in 2026-03-01":                  {"--from", "yesterday", "--to", "2020-01-02"},
		"missing flags: --from=INSTANT, --to=INSTANT":       {},
		"there is no app \"x\"\n  → configured are: clinic": append([]string{"--app", "x"}, flags...),
	} {
		if len(args) > 0 && args[0] != "--app" {
			args = append(args, "--app", "clinic")
		}
		o := c.run(append([]string{"backfill"}, args...)...)
		require.Equal(c.t, cli.Usage, o.code, want)
		require.Contains(c.t, o.stderr, want)
	}
	o := c.with(temporalDown, append([]string{"backfill", "--app", "clinic"}, flags...)...)
	require.Equal(c.t, cli.Failed, o.code)
	require.Contains(c.t, o.stderr, "Temporal does not answer")
	require.Contains(c.t, o.stderr, "→ is Temporal up, and TEMPORAL_ADDRESS right?")
}

// testBackfillResumed lets two commands wait for one backfill while there is no
// worker; one of them is given up.
func (c console) testBackfillResumed() {
	require.NoError(c.t, c.stack.StopPart("worker"))
	call := c.place(tencentsim.CallSpec{CallID: "call-resumed", Lose: true})
	w, _ := stretch()
	id := workflows.BackfillID(workflows.ReconcileParams{SDKAppID: clinicID, Between: &w})
	args := append([]string{"backfill", "--app", "clinic", "--output", "json"}, between(w)...)

	ctx, cancel := context.WithCancel(c.ctx)
	var first, second buffer
	var group sync.WaitGroup
	var given, kept output
	group.Go(func() { given = c.in(ctx, nil, &first, args...) })
	require.Eventually(c.t, func() bool {
		_, err := c.stack.Temporal.DescribeWorkflowExecution(c.ctx, id, "")
		return err == nil
	}, soon, 50*time.Millisecond)
	group.Go(func() { kept = c.in(c.ctx, nil, &second, args...) })
	require.Eventually(c.t, func() bool { return strings.Contains(second.String(), "under way already") }, soon, 50*time.Millisecond)
	cancel()
	require.Eventually(c.t, func() bool { return strings.Contains(first.String(), "stopped watching") }, soon, 50*time.Millisecond)
	require.NoError(c.t, c.stack.StartWorker(c.ctx))
	group.Wait()

	require.Equal(c.t, cli.Failed, given.code)
	require.Contains(c.t, given.stderr, "→ the same command watches it again\n")
	require.Equal(c.t, cli.OK, kept.code, kept.stderr)
	var report backfilled
	require.NoError(c.t, json.Unmarshal([]byte(kept.stdout), &report))
	require.True(c.t, report.Attached)
	require.Equal(c.t, 1, report.Started)
	c.follow(call)
	require.Len(c.t, c.entries(call), 1)
}
