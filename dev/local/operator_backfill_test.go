package local_test

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/stretchr/testify/require"

	"aftercall/dev/tencentsim"
	"aftercall/internal/cli"
	windows "aftercall/internal/sweep"
	"aftercall/internal/testenv"
	"aftercall/workflows"
)

// lastTwentyMinutes returns the time range, and the flags of backfill for it.
func lastTwentyMinutes() (windows.Window, []string) {
	now := time.Now().UTC().Truncate(time.Second)
	w := windows.Window{From: now.Add(-20 * time.Minute), To: now.Add(-time.Second)}
	return w, rangeFlags(w)
}

func rangeFlags(w windows.Window) []string {
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
	c.awaitStage(odd, workflows.StageReview)
	var lost []tencentsim.Call
	for range 25 {
		lost = append(lost, c.place(tencentsim.CallSpec{SDKAppID: tutoringID, Lose: true}))
	}
	_, flags := lastTwentyMinutes()
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
	require.Contains(c.t, o.stdout, "Known        "+strconv.Itoa(second.Known)+" in the ledger or with a running workflow\nWould start  0\n")

	// The day of --to is included, also while it lasts, and the same command is the
	// same backfill.
	today := time.Now().UTC().Format(time.DateOnly)
	var whole, again backfilled
	days := []string{"backfill", "--app", "tutoring", "--from", time.Now().UTC().AddDate(0, 0, -1).Format(time.DateOnly), "--to", today}
	require.Equal(c.t, cli.OK, c.json(&whole, nil, days...))
	require.GreaterOrEqual(c.t, whole.Known, len(lost))
	require.Equal(c.t, cli.OK, c.json(&again, nil, days...))
	require.Equal(c.t, whole.WorkflowID, again.WorkflowID)

	// Calls that ended before go_live are not started.
	c.place(tencentsim.CallSpec{CallID: "call-earlier", SDKAppID: tutoringID, EndedAgoSeconds: 7300, Lose: true})
	now := time.Now().UTC()
	var early backfilled
	require.Equal(c.t, cli.OK, c.json(&early, nil, append([]string{"backfill", "--app", "tutoring"},
		rangeFlags(windows.Window{From: now.Add(-3 * time.Hour), To: now.Add(-2 * time.Hour)})...)...))
	require.Equal(c.t, 1, early.BeforeGoLive)
	require.Zero(c.t, early.Started)
}

func (c console) testBackfillRefuses() {
	now := time.Now().UTC()
	_, flags := lastTwentyMinutes()
	for want, args := range map[string][]string{
		"--to 2026-03-01 is not after --from 2026-03-03":     {"--from", "2026-03-03", "--to", "2026-03-01"},
		"--from is in the future":                            {"--from", now.Add(time.Hour).Format(time.RFC3339), "--to", now.Add(2 * time.Hour).Format(time.RFC3339)},
		"Tencent keeps records for seven days":               {"--from", "2020-01-01", "--to", "2020-01-02"},
		"--from: \"yesterday\" is neither a day nor a time":  {"--from", "yesterday", "--to", "2020-01-02"},
		"missing flags: --from=TIME, --to=TIME":              {},
		"--app: there is no app \"x\"\n  → apps are: clinic": append([]string{"--app", "x"}, flags...),
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
	w, _ := lastTwentyMinutes()
	id := workflows.BackfillID(workflows.SweepParams{SDKAppID: clinicID, TimeRange: &w})
	args := append([]string{"backfill", "--app", "clinic", "--output", "json"}, rangeFlags(w)...)

	ctx, cancel := context.WithCancel(c.ctx)
	var first, second testenv.Log
	var group sync.WaitGroup
	var given, kept output
	group.Go(func() { given = c.in(ctx, nil, &first, args...) })
	require.Eventually(c.t, func() bool {
		_, err := c.stack.Temporal.DescribeWorkflowExecution(c.ctx, id, "")
		return err == nil
	}, testTimeout, 50*time.Millisecond)
	group.Go(func() { kept = c.in(c.ctx, nil, &second, args...) })
	require.Eventually(c.t, func() bool { return strings.Contains(second.String(), "running already") }, testTimeout, 50*time.Millisecond)
	cancel()
	require.Eventually(c.t, func() bool { return strings.Contains(first.String(), "stopped following") }, testTimeout, 50*time.Millisecond)
	o := c.run("waiting", "--app", "clinic", "--stage", "record")
	require.Equal(c.t, cli.Incomplete, o.code, o.stderr)
	require.Contains(c.t, o.stdout, "call-stuck", "what is known is printed")
	require.Regexp(c.t, `([1-9]) of ([1-9]) calls are without details: no worker answers`, o.stderr, "visibility may still list a call of another test")
	require.NoError(c.t, c.stack.StartWorker(c.ctx))
	group.Wait()

	require.Equal(c.t, cli.Failed, given.code)
	require.Contains(c.t, given.stderr, "→ the same command follows it again\n")
	require.Equal(c.t, cli.OK, kept.code, kept.stderr)
	var report backfilled
	require.NoError(c.t, json.Unmarshal([]byte(kept.stdout), &report))
	require.True(c.t, report.Attached)
	require.Equal(c.t, 1, report.Started)
	c.follow(call)
	require.Len(c.t, c.entries(call), 1)
}
