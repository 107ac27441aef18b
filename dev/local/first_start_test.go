package local_test

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"aftercall/dev/tencentsim"
	"aftercall/internal/cli"
	"aftercall/workflows"
)

// TestFirstStart starts an app without go_live of which Tencent has calls of the
// last days. Nothing of the past is charged by itself; a backfill takes it in.
func TestFirstStart(t *testing.T) {
	t.Parallel()
	stack := startStackWithConfig(t, "    tariff: lessons\n    go_live: 2025-01-01T00:00:00Z\n", "    tariff: lessons\n")
	c := console{t, stack, testContext(t)}
	past := c.place(tencentsim.CallSpec{CallID: "two-days-ago", SDKAppID: tutoringID, EndedAgoSeconds: 2 * 24 * 3600, Lose: true})

	// Of the calls that end from now on, the first ones ended some seconds before the
	// first start: a simulated call ends a little before it is placed.
	schedule := stack.Temporal.ScheduleClient().GetHandle(c.ctx, workflows.SweepID(tutoringID))
	var later []tencentsim.Call
	require.Eventually(t, func() bool {
		later = append(later, c.place(tencentsim.CallSpec{SDKAppID: tutoringID, Lose: true}))
		if err := schedule.Trigger(c.ctx, client.ScheduleTriggerOptions{}); err != nil {
			return false // the worker has not made it yet, or Temporal is busy
		}
		return slices.ContainsFunc(later, func(call tencentsim.Call) bool { return len(c.entries(call)) == 1 })
	}, testTimeout, time.Second)
	require.Empty(t, c.entries(past))

	check := func() (detail string) {
		var found []struct {
			Check, App, Detail string
			OK                 bool
		}
		require.NoError(t, json.Unmarshal([]byte(c.until(cli.OK, "", "check", "--output", "json").stdout), &found))
		for _, f := range found {
			if f.Check == "beginning" && f.App == "tutoring" {
				detail = f.Detail
			}
		}
		return detail
	}
	require.Regexp(t, `^sweeps charge calls that ended since the first start, \S+; Tencent has \d+ records of calls from before, the ledger 0 of them, .*aftercall backfill --app tutoring --from \S+ --to \S+ --dry-run`, check())
	var result backfilled
	flags := []string{"backfill", "--app", "tutoring", "--from", time.Now().UTC().Add(-3 * 24 * time.Hour).Format(time.RFC3339), "--to", time.Now().UTC().Add(-time.Hour).Format(time.RFC3339)}
	require.Equal(t, cli.OK, c.json(&result, nil, append(flags, "--dry-run")...))
	require.Equal(t, 1, result.Started)
	require.Equal(t, cli.OK, c.json(&result, nil, flags...))
	require.Equal(t, 1, result.Started)
	require.Eventually(t, func() bool { return len(c.entries(past)) == 1 }, testTimeout, pollInterval)
	require.Regexp(t, `the ledger 1 of them|first start, \S+$`, check())
}
