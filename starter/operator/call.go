package operator

import (
	"context"
	"strings"
	"sync"

	cli "aftercall/internal/oldcli"
	"aftercall/internal/config"
	"aftercall/internal/tencent"
)

type callCommand struct {
	cli.Output
	CallID string `arg:"" name:"CallId" help:"The call."`
	App    string `help:"Name or SDKAppID of the app; left out, all apps are searched."`
}

// Help teaches.
func (callCommand) Help() string {
	return `Asks Redis, Temporal and the ledger, and says where the call stands: what it
waits for, what failed last, what was charged, and who was told. Parts that do
not answer are named, and end the command with 5; a call that nobody knows ends
it with 4.

Examples:

  starter call 055662e1-bc8a-469c-a334-1126c8c17d58
  starter call 055662e1-bc8a-469c-a334-1126c8c17d58 --output json | jq .workflow.pending`
}

// Run shows where the call stands.
func (c callCommand) Run(ctx context.Context, p cli.Process) error {
	if err := tencent.ValidateCallID("CallId", c.CallID); err != nil {
		return cli.Errorf(cli.Usage, "", "%w", err)
	}
	return using(ctx, p, func(t *tools) error { return c.show(ctx, t) })
}

func (c callCommand) show(ctx context.Context, t *tools) error {
	apps, err := t.apps(c.App)
	if err != nil {
		return err
	}
	report, err := c.find(t.lookAll(ctx, apps, c.CallID))
	if err != nil {
		return err
	}
	if err := c.Print(t.process.Stdout, report, report.write); err != nil {
		return err
	}
	if len(report.Problems) > 0 {
		return cli.Errorf(cli.Incomplete, "starter check says what is wrong", "this is not all: %s", strings.Join(report.Problems, "; "))
	}
	return nil
}

// lookAll asks about a call in every app, side by side.
func (t *tools) lookAll(ctx context.Context, apps []*config.App, callID string) []callReport {
	reports := make([]callReport, len(apps))
	var wg sync.WaitGroup
	for i, app := range apps {
		wg.Go(func() { reports[i] = t.look(ctx, app, callID) })
	}
	wg.Wait()
	return reports
}

// find picks the app that knows the call.
func (c callCommand) find(reports []callReport) (found callReport, err error) {
	var known []string
	for _, r := range reports {
		if r.known() {
			found = r
			known = append(known, r.App)
		}
	}
	problems := reports[0].Problems
	switch {
	case len(known) == 1:
		return found, nil
	case len(known) > 1:
		return found, cli.Errorf(cli.Usage, "say which with --app", "several apps know this CallId: %s", strings.Join(known, ", "))
	case len(problems) > 0:
		return found, cli.Errorf(cli.Incomplete, "starter check says what is wrong", "nobody who answers knows the call %s; but %s", c.CallID, strings.Join(problems, "; "))
	}
	app := "…"
	if len(reports) == 1 {
		app = reports[0].App
	}
	return found, cli.Errorf(cli.NotFound, "if Tencent knows it, this starts it: starter start "+c.CallID+" --app "+app,
		"nobody knows the call %s: its callback never came, or is of another app, or the CallId is wrong", c.CallID)
}
