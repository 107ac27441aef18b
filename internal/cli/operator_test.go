package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"aftercall/internal/ledger"
	"aftercall/internal/ops"
	"aftercall/internal/testenv/testconfig"
	"aftercall/workflows"
)

// operator runs commands where every system is down.
type operator struct {
	t       *testing.T
	environ map[string]string
}

func newOperator(t *testing.T, hookURL string) operator {
	t.Helper()
	path := filepath.Join(t.TempDir(), "aftercall.yaml")
	c := testconfig.New()
	c.Apps = append(c.Apps, testconfig.App("tutoring", 1400000001))
	c.Targets = []testconfig.Map{
		{
			"name": "crm", "url": "${HOOK_URL}", "secrets": []string{"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8G"},
			"allow_private": true, "events": []string{"call.free"},
		},
		{"name": "billing", "type": "stripe", "stripe": testconfig.Map{"api_key": "sk_test", "meter": "seconds", "customer": "{{ .Caller }}"}},
	}
	require.NoError(t, c.Write(path))
	return operator{t, map[string]string{
		"AFTERCALL_CONFIG": path, "HOOK_URL": hookURL, "REDIS_URL": "redis://127.0.0.1:1", "TEMPORAL_ADDRESS": "127.0.0.1:1",
		"LEDGER_URL": "sqlite:/nowhere/ledger.db", "COLUMNS": "80",
	}}
}

func (o operator) run(args ...string) (code int, stdout, stderr string) {
	o.t.Helper()
	var out, errs bytes.Buffer
	code = Run(context.Background(), Process{Environ: o.environ, Stdout: &out, Stderr: &errs}, args)
	return code, out.String(), errs.String()
}

// TestUnknownApp: an app that does not exist is the same error in every command
// that has --app.
func TestUnknownApp(t *testing.T) {
	o := newOperator(t, "http://127.0.0.1:1")
	for _, args := range [][]string{
		{"call", "c"},
		{"waiting"},
		{"waiting", "retry", "c"},
		{"waiting", "retry", "--all"},
		{"start", "c"},
		{"audit", "--from", "2026-03-01", "--to", "2026-03-02"},
		{"backfill", "--from", "2026-03-01", "--to", "2026-03-02"},
		{"resend", "c"},
		{"resend", "--failed"},
		{"callback", "show"},
		{"callback", "set"},
		{"callback", "delete"},
		{"sweep", "status"},
		{"review", "list"},
		{"review", "decide", "c", "--verdict", "waive", "--operator", "alice", "--reason", "test"},
	} {
		code, stdout, stderr := o.run(append(args, "--app", "nosuch")...)
		require.Equal(t, Usage, code, "%v: %s", args, stderr)
		require.Empty(t, stdout, args)
		require.Equal(t, "aftercall: --app: there is no app \"nosuch\"\n  → apps are: clinic, tutoring\n", stderr, args)
	}
}

func TestUsageErrors(t *testing.T) {
	o := newOperator(t, "http://127.0.0.1:1")
	for want, args := range map[string][]string{
		"several apps are configured\n  → name one with --app: clinic, tutoring": {"start", "c"},
		"expected \"<CALLID>\"":            {"call"},
		"give either a CallId or --failed": {"resend"},
		"--timeout: is for --follow":       {"call", "c", "--timeout", "1m"},
		"--timeout: must be more than 0":   {"call", "c", "--follow", "--timeout=-1m"},
		"--event: there is no event \"call.lost\"\n  → events are: call.charged, call.free": {"resend", "c", "--event", "call.lost"},
		"--target: there is no target \"x\"\n  → targets are: crm, billing":                 {"resend", "c", "--target", "x"},
		"--since: must be more than 0": {"resend", "--failed", "--since=0s"},
		"--stage: there is no stage \"x\"\n  → stages are: waiting, record, charge, review, notify":              {"waiting", "--stage", "x"},
		"give a CALLID or --all\n  → aftercall waiting lists the calls that wait":                                {"waiting", "retry", "--app", "clinic"},
		"CALLID and --all exclude each other":                                                                    {"waiting", "retry", "c", "--all"},
		"--stage and --reason are for --all":                                                                     {"waiting", "retry", "c", "--reason", "x"},
		"--limit: must be 1 or more":                                                                             {"waiting", "--limit", "0"},
		"NAME: there is no target \"x\"\n  → targets are: crm, billing":                                          {"target", "test", "x"},
		"the public address of clinic is not configured\n  → set apps[].callback.base_url, or give --url":        {"callback", "set", "--app", "clinic"},
		"--url is not an address\n  → write https://HOST/tencent/call/SECRET":                                    {"callback", "set", "--app", "clinic", "--url", "x"},
		"<SHELL> must be one of \"bash\",\"zsh\",\"fish\" but got \"tcsh\"\n  → see aftercall completion --help": {"completion", "tcsh"},
		"--connected-seconds: must be from 1 to 604800 for charge-as":                                            {"review", "decide", "c", "--verdict", "charge-as", "--operator", "a", "--reason", "b"},
		"--media, --call-type: have no effect with waive":                                                        {"review", "decide", "c", "--verdict", "waive", "--call-type", "SingleCall", "--operator", "a", "--reason", "b"},
		"--ended-at: \"yesterday\" is not a time with its offset from UTC":                                       {"review", "decide", "c", "--verdict", "charge-as", "--connected-seconds", "5", "--ended-at", "yesterday", "--operator", "a", "--reason", "b"},
		"--ended-at: is only for charge-as":                                                                      {"review", "decide", "c", "--verdict", "waive", "--ended-at", "2026-03-01T12:00:00+08:00", "--operator", "a", "--reason", "b"},
		"--payer: has no effect with waive":                                                                      {"review", "decide", "c", "--verdict", "waive", "--payer", "p", "--operator", "a", "--reason", "b"},
		"missing: --operator NAME and --reason TEXT":                                                             {"review", "decide", "c", "--verdict", "charge"},
		"--limit: must be 0 or more":                                                                             {"ledger", "verify", "--limit=-1"},
		"missing: --reason TEXT":                                                                                 {"review", "decide", "c", "--verdict", "charge", "--operator", "a", "--reason", " "},
		"--output must be one of \"table\",\"json\" but got \"csv\"":                                             {"call", "c", "--output", "csv"},
	} {
		code, stdout, stderr := o.run(args...)
		require.Equal(t, Usage, code, args)
		require.Empty(t, stdout, args)
		require.Contains(t, stderr, want, args)
	}
}

// TestCallbackShowOfAppsOfWhichOneFails prints what is known of the others.
func TestCallbackShowOfAppsOfWhichOneFails(t *testing.T) {
	tencentAPI := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, err := io.WriteString(w, `{"ErrorCode":100301,"ErrorInfo":"none","ActionStatus":"FAIL","RequestId":"r"}`)
		require.NoError(t, err)
	}))
	defer tencentAPI.Close()
	o := newOperator(t, "http://127.0.0.1:1")
	c := testconfig.New() // nothing listens at the API of clinic
	tutoring := testconfig.App("tutoring", 1400000001)
	tutoring["api"] = tencentAPI.URL
	c.Apps = append(c.Apps, tutoring)
	require.NoError(t, c.Write(o.environ["AFTERCALL_CONFIG"]))

	code, stdout, stderr := o.run("callback", "show", "--output", "json")
	require.Equal(t, Incomplete, code, stderr)
	require.Contains(t, stderr, "aftercall: the result is incomplete: clinic: ")
	var shown []ops.CallbackStatus
	require.NoError(t, json.Unmarshal([]byte(stdout), &shown))
	require.Len(t, shown, 1)
	require.Equal(t, "tutoring", shown[0].App)

	code, stdout, _ = o.run("callback", "show", "--app", "clinic")
	require.Equal(t, Failed, code)
	require.Empty(t, stdout)
}

func TestConfigurationErrors(t *testing.T) {
	o := newOperator(t, "http://127.0.0.1:1")
	o.environ["AFTERCALL_CONFIG"] = "/nowhere.yaml"
	for _, args := range [][]string{{"call", "c"}, {"waiting"}, {"sweep", "status"}, {"target", "test", "crm"}, {"callback", "show"}} {
		code, _, stderr := o.run(args...)
		require.Equal(t, Usage, code, args)
		require.Contains(t, stderr, "/nowhere.yaml", args)
	}
	code, stdout, _ := o.run("check")
	require.Equal(t, Refused, code)
	require.Contains(t, stdout, "FAIL  configuration")
}

func TestTargetTest(t *testing.T) {
	status, body := http.StatusNoContent, ""
	hook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		data, err := io.ReadAll(r.Body)
		if err == nil && r.Header.Get("Webhook-Signature") != "" {
			body = string(data)
		}
		w.WriteHeader(status)
	}))
	defer hook.Close()
	o := newOperator(t, hook.URL)
	code, stdout, stderr := o.run("target", "test", "crm")
	require.Equal(t, OK, code, stderr)
	require.Regexp(t, `Target  crm \(webhook\)\nEvent   target\.test, message msg_test_[0-9a-f]{32}\nResult  delivered in \d+ ms\n`, stdout)
	var sent struct{ Type string }
	require.NoError(t, json.Unmarshal([]byte(body), &sent))
	require.Equal(t, "target.test", sent.Type)

	status = http.StatusUnauthorized
	code, stdout, stderr = o.run("target", "test", "crm")
	require.Equal(t, Failed, code)
	require.Contains(t, stdout, "Result  ")
	require.Contains(t, stderr, "crm did not accept the test: ")
	require.Contains(t, stderr, "401")

	code, _, stderr = o.run("target", "test", "billing")
	require.Equal(t, Refused, code)
	require.Contains(t, stderr, "a target of type stripe cannot be tested: it accepts only call.charged, call.reversed")
}

func TestProcessesTakeNoArguments(t *testing.T) {
	var stderr bytes.Buffer
	require.Equal(t, Usage, RunStarter(context.Background(), Process{Stderr: &stderr}, []string{"check"}))
	require.Contains(t, stderr.String(), "aftercall check")
	stderr.Reset()
	require.Equal(t, Usage, RunWorker(context.Background(), Process{Stderr: &stderr}, []string{"ledger", "list"}))
	require.Contains(t, stderr.String(), "aftercall ledger")
}

func TestCompletion(t *testing.T) {
	o := newOperator(t, "http://127.0.0.1:1")
	for _, shell := range []string{"bash", "zsh", "fish"} {
		code, stdout, _ := o.run("completion", shell)
		require.Equal(t, OK, code)
		require.Contains(t, stdout, "complete ")
		require.NotContains(t, stdout, "PROGRAM")
	}
	for line, want := range map[string][]string{
		"aftercall bac": {"backfill"}, "aftercall completion ": {"bash", "zsh", "fish"}, "aftercall sweep ": {"dismiss", "status"},
	} {
		t.Setenv("COMP_LINE", line)
		o.environ["COMP_LINE"] = line
		code, stdout, _ := o.run()
		require.Equal(t, OK, code)
		require.ElementsMatch(t, want, strings.Fields(stdout), line) // the shell sorts them
	}
}

// TestTablesFitTheScreen: tables of every list fit 80 columns.
func TestTablesFitTheScreen(t *testing.T) {
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	long := "the record API answered 101001 (internal error, please retry), RequestId Id-33be"
	const callID = "055662e1-bc8a-469c-a334-1126c8c17d58"
	calls := []ops.WaitingCall{{
		App: "clinic", SDKAppID: clinic, CallID: callID, Stage: workflows.StageRecord, Since: at, StartedAt: at, WaitingFor: "the call record: " + long,
		Pending: []ops.PendingActivity{{Activity: "FetchRecord", Attempt: 12, NextAttemptAt: at, LastFailure: long}},
	}}
	sweeps := []ops.SweepStatus{{App: "clinic", SDKAppID: clinic, State: ops.SweepPaused, EverySeconds: 300, SweptTo: at, LagSeconds: 4000, Behind: true, LastRun: &ops.SweepRun{State: "failed", Failure: long}}}
	resent := []ops.Resent{{App: "clinic", CallID: callID, Event: "call.charged", MessageID: "msg_0123456789abcdef0123456789abcdef", Targets: []string{"crm"}, Deliveries: []workflows.Delivery{{Target: "crm", Error: long}}}}
	findings := []ops.Finding{{Check: "record api", App: "clinic", Detail: long, Cure: long}}
	var b bytes.Buffer
	s := screen{Writer: &b, width: 80, notes: io.Discard}
	writeTable(s, calls, waitingColumns)
	writeTable(s, sweeps, sweepColumns)
	writeTable(s, resent, resendColumns)
	writeTable(s, findings, checkColumns)
	for line := range strings.Lines(b.String()) {
		require.LessOrEqual(t, len([]rune(strings.TrimSuffix(line, "\n"))), 80, b.String())
	}
	require.Contains(t, b.String(), callID)
}

func TestColoursPaintLines(t *testing.T) {
	var b bytes.Buffer
	s := screen{Writer: &b, width: 40, colour: true, notes: io.Discard}
	writePainted(s, field{name: "Status", value: "done: charge of 0.24 USD for 120 s, and more words", paint: s.green})
	for line := range strings.Lines(b.String()) {
		require.Contains(t, line, "\x1b[32m")
		require.Contains(t, line, "\x1b[0m")
	}
	b.Reset()
	s.colour = false
	writePainted(s, field{name: "Status", value: "done\x1b[2J", paint: s.green})
	require.Equal(t, "Status  done\ufffd[2J\n", b.String())
}

// TestSweepStatusListsWhatIsHeldBack also without Temporal.
func TestSweepStatusListsWhatIsHeldBack(t *testing.T) {
	o := newOperator(t, "http://127.0.0.1:1")
	o.environ["LEDGER_URL"] = "sqlite:" + filepath.Join(t.TempDir(), "ledger.db")
	l, err := ledger.Open(t.Context(), o.environ["LEDGER_URL"], ledger.Options{})
	require.NoError(t, err)
	defer l.Close()
	require.NoError(t, l.HoldBack(t.Context(), 1400000000, ledger.Held{Key: ledger.HeldRowKey("abc"), Reason: "CallId: must be a string", Item: "{}"}))
	code, stdout, _ := o.run("sweep", "status")
	require.NotZero(t, code)
	require.Contains(t, stdout, "held back of clinic since ")
	require.Contains(t, stdout, ": a row without a CallId\nCallId: must be a string\n1 attempts, the next at ")
}
