package local_test

import (
	"github.com/stretchr/testify/require"

	"aftercall/dev/tencentsim"
	"aftercall/internal/cli"
)

// testWrongTaskQueue: what starts a workflow refuses a task queue that no worker polls
// while workers poll another one, before it changes anything.
func (c console) testWrongTaskQueue() {
	charged, lost := c.place(tencentsim.CallSpec{}), c.place(tencentsim.CallSpec{Lose: true})
	c.follow(charged)
	_, flags := lastTwentyMinutes()
	elsewhere := map[string]string{"AFTERCALL_TASK_QUEUE": "elsewhere"}
	for _, args := range [][]string{
		{"start", lost.Record.CallID, "--app", "clinic"},
		append([]string{"backfill", "--app", "clinic"}, flags...),
		{"resend", charged.Record.CallID, "--target", "crm"},
		{"ledger", "reverse", charged.Record.CallID, "--operator", "anna", "--reason", "a test"},
		{"ledger", "checkpoint"},
	} {
		o := c.with(elsewhere, args...)
		require.Equal(c.t, cli.Usage, o.code, "%v: %s", args, o.stderr)
		require.Contains(c.t, o.stderr, "no worker polls the task queue elsewhere, but workers poll aftercall\n  → set AFTERCALL_TASK_QUEUE to that of the workers")
	}
	require.Equal(c.t, cli.NotFound, c.run("call", lost.Record.CallID).code)
	require.Len(c.t, c.entries(charged), 1, "nothing is reversed")
	var found []finding
	c.json(&found, elsewhere, "check")
	for _, f := range found {
		if f.Check == "workers" {
			require.Equal(c.t, "no worker polls the task queue elsewhere, but workers poll aftercall", f.Detail)
		}
	}

	// In another namespace there is no worker at all: then it may be started later.
	require.Equal(c.t, cli.OK, c.run("start", lost.Record.CallID, "--app", "clinic").code)
	c.follow(lost)
	waits := c.place(tencentsim.CallSpec{SDKAppID: tutoringID, Lose: true})
	o := c.with(map[string]string{"TEMPORAL_NAMESPACE": "short"}, "start", waits.Record.CallID, "--app", "tutoring")
	require.Contains(c.t, o.stderr, "note: no worker polls the task queue aftercall: what is started waits until one does\n")
}
