package local_test

import (
	"encoding/json"
	"flag"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"aftercall/dev/local"
	"aftercall/dev/tencentsim"
	"aftercall/internal/billing"
	"aftercall/internal/tencent"
	"aftercall/workflows"
)

// screenshots is the folder for the pictures of `make screenshots`.
var screenshots = flag.String("screenshots", "", "folder for the pictures of the documentation; empty for none")

// operations returns the section of the documentation that TestWebUI follows.
func operations(t *testing.T) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(root, "docs", "operations.md"))
	require.NoError(t, err)
	_, section, found := strings.Cut(string(data), "\n## The Web UI\n")
	require.True(t, found)
	section, _, _ = strings.Cut(section, "\n## ")
	return section
}

var (
	setup   = regexp.MustCompile("(?s)```js\n(.*?)```")
	queries = regexp.MustCompile("(?m)^\\| (.+?) \\| `(.+)` \\|$")
)

// TestWebUI uses the real Web UI as a person would: it sets up the columns, finds
// a finished call and one in review, reads both, and decides about the latter.
func TestWebUI(t *testing.T) {
	p, ok := openBrowser(t)
	if !ok {
		return
	}
	samples := local.Samples()[1:2]
	if *screenshots != "" { // the picture shows a longer list
		samples = local.Samples()
	}
	ran, others, err := shared.RunSamples(testContext(t), samples)
	require.NoError(t, err)
	require.Empty(t, local.Deviations(ran, others))
	finished := ran[slices.IndexFunc(ran, func(r local.SampleRun) bool { return r.Spec.Media == tencent.MediaVideo })].Call
	if *screenshots != "" {
		_, err := shared.Tencent.PlaceCall(tencentsim.CallSpec{SDKAppID: 1400000001, Seconds: 95, EndedAgoSeconds: 5, RecordAfterSeconds: 600})
		require.NoError(t, err)
	}
	reviewed := inReview(t)

	p.setColumns(shared)

	row := p.row(shared, query(t, "all calls"), finished)
	require.Equal(t, []string{"Completed", "Video", "SingleCall", "NormalEnd", "clinic", "callback"},
		values(row, "Status", "CallMedia", "CallType", "CallResult", "CallApp", "CallSource"))
	p.screenshot("calls.png", 1720, 900)
	p.click("table a", finished.Record.CallID)
	p.waitForText("Completed", "charge Video · one to one · 2:10 connected · NormalEnd", "notify crm", "read the call record", `"amount"`)
	p.screenshot("call.png", 1500, 1220)
	p.click("a", "User Metadata")
	p.waitForText("Video · one to one · 2:10 connected · NormalEnd", "What the callback said", "0.66 USD for 2:12, connected 2:10",
		"done since", "the first 60 s, then every 6 s begun", "Notify crm")
	p.screenshot("details.png", 1500, 980)

	row = p.row(shared, query(t, "calls that wait for a decision"), reviewed)
	require.Equal(t, []string{"Running", "review", "Video", "NormalEnd"}, values(row, "Status", "CallStage", "CallMedia", "CallResult"))
	p.click("table a", reviewed.Record.CallID)
	p.waitForText("Running", "OpenReview", "Charge", "FetchRecord")
	p.click("a", "User Metadata")
	p.waitForText("review since", "a decision", "AcceptTime is 0", "aftercall review decide")
	p.click("button", "More Actions")
	p.click("[data-testid=update-button]", "Send an Update")
	p.click("[data-testid=update-select-button]", "")
	p.click("dialog li[role=option]", "decide")
	decision, err := json.Marshal(workflows.DecideParams{
		Verdict: billing.VerdictChargeAs, ConnectedSeconds: 300, By: "alice", Reason: "five minutes according to the doctor's log",
	})
	require.NoError(t, err)
	p.fill("[data-testid=update-confirmation-modal] [contenteditable]", string(decision))
	p.screenshot("decide.png", 1500, 900)
	p.click("[data-testid=update-confirmation-modal] button[type=submit]", "Submit")
	p.waitForText("Update successful")
	f, err := local.Follow(testContext(t), shared.Temporal, reviewed)
	require.NoError(t, err)
	require.NoError(t, f.Err)
	require.Equal(t, int64(300), f.Result.BilledSeconds)
	require.Equal(t, "alice", f.Result.Decided.By)
	p.open(shared.Link(f))
	p.waitForText("Completed", "Workflow Execution Update Accepted", "Workflow Execution Completed")
}

// TestClusterWebUI finds a call in the Web UI of the cluster. It is that of the Compose
// file, and newer than the one of the development server.
func TestClusterWebUI(t *testing.T) {
	p, ok := openBrowser(t)
	if !ok {
		return
	}
	stack, ok := startCluster(t)
	if !ok {
		return
	}
	call, err := stack.Tencent.PlaceCall(tencentsim.CallSpec{SDKAppID: 1400000000, Seconds: 61})
	require.NoError(t, err)
	requireChargedOnce(testContext(t), t, stack, []tencentsim.Call{call})

	p.setColumns(stack)
	row := p.row(stack, query(t, "all calls"), call)
	require.Equal(t, "completed", strings.ToLower(row["Status"]), "this release writes it in capitals")
	require.Equal(t, []string{"Audio", "SingleCall", "NormalEnd", "clinic"}, values(row, "CallMedia", "CallType", "CallResult", "CallApp"))
}

// setColumns gives the list of calls the columns of the documentation.
func (p *page) setColumns(stack *local.Stack) {
	p.t.Helper()
	columns := setup.FindStringSubmatch(operations(p.t))
	require.NotNil(p.t, columns, "docs/operations.md has the columns as JavaScript")
	p.open(stack.ListLink())
	p.waitForText("Workflows")
	p.eval(nil, "() => {"+columns[1]+"}")
}

// inReview places a call whose record has no AcceptTime.
func inReview(t *testing.T) tencentsim.Call {
	t.Helper()
	call, err := shared.Tencent.PlaceCall(tencentsim.CallSpec{
		SDKAppID: 1400000000, Media: tencent.MediaVideo, Seconds: 310, EndedAgoSeconds: 5, Record: json.RawMessage(`{"AcceptTime":0}`),
	})
	require.NoError(t, err)
	return call
}

// query returns a query of the documentation.
func query(t *testing.T, name string) string {
	t.Helper()
	for _, m := range queries.FindAllStringSubmatch(operations(t), -1) {
		if m[1] == name {
			return m[2]
		}
	}
	require.Fail(t, "docs/operations.md has no query", name)
	return ""
}

// row returns the cells of a call in the list of a query, by column. It reloads
// the list until the call appears: the list is not live, and visibility lags.
func (p *page) row(stack *local.Stack, query string, call tencentsim.Call) map[string]string {
	p.t.Helper()
	const read = `id => {
		const heads = [...document.querySelectorAll("table thead th")].map(th => th.innerText.trim())
		const row = [...document.querySelectorAll("table tbody tr")].find(tr => tr.innerText.includes(id))
		return row ? JSON.stringify(Object.fromEntries([...row.cells].map((cell, i) => [heads[i], cell.innerText.trim()]))) : ""
	}`
	var row map[string]string
	p.open(stack.ListLink() + "?query=" + url.PathEscape(query))
	opened := time.Now()
	require.True(p.t, eventually(func() bool {
		result, err := p.rod.Eval(read, call.Record.CallID)
		if err == nil && result.Value.Str() != "" {
			require.NoError(p.t, json.Unmarshal([]byte(result.Value.Str()), &row))
			return true
		}
		if time.Since(opened) > 3*time.Second {
			require.NoError(p.t, p.rod.Reload())
			opened = time.Now()
		}
		return false
	}), "%s does not list call %s", query, call.Record.CallID)
	return row
}

func values(row map[string]string, columns ...string) []string {
	cells := make([]string, len(columns))
	for i, column := range columns {
		cells[i] = row[column]
	}
	return cells
}
