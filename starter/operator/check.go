package operator

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	cli "aftercall/internal/oldcli"
	"aftercall/internal/config"
)

type checkCommand struct {
	cli.Output
}

// Help teaches.
func (checkCommand) Help() string {
	return `One line each: the configuration, Redis, paused targets, Temporal with its retention, search
attributes and workers, the ledger, and for each app its sweep, the record API
with the configured credentials, and the registered callback. What is red comes
with its cure. Nothing is changed. Ends with 3 when anything is red.

Examples:

  starter check
  starter check --output json | jq -r '.[] | select(.ok | not) | .detail'`
}

// finding is one line of the check.
type finding struct {
	Check string `json:"check"`
	App   string `json:"app,omitempty"`
	OK    bool   `json:"ok"`
	// Detail is what was found.
	Detail string `json:"detail"`
	// Cure is what to do where it is not OK.
	Cure string `json:"cure,omitempty"`
}

// probe looks at one thing. detail says what was found, err what is wrong with it.
type probe struct {
	name string
	ask  func(ctx context.Context, t *tools) (detail string, err error)
	// needs names a probe of the same section that must pass first.
	needs string
}

// appProbe is a probe of every app.
type appProbe struct {
	name string
	ask  func(ctx context.Context, t *tools, app *config.App) (detail string, err error)
}

// section is what is asked one after the other; sections are asked side by side.
type section func(ctx context.Context, t *tools) []finding

// sections are all there is to check, in the order of the lines.
func (t *tools) sections() []section {
	all := []section{inOrder(redisProbe, targetsProbe), inOrder(temporalProbes...), inOrder(ledgerProbe)}
	for i := range t.config.Apps {
		app := &t.config.Apps[i]
		for _, p := range appProbes {
			all = append(all, func(ctx context.Context, t *tools) []finding {
				detail, err := p.ask(ctx, t, app)
				return []finding{newFinding(p.name, app.Name, detail, err)}
			})
		}
	}
	return all
}

func inOrder(probes ...probe) section {
	return func(ctx context.Context, t *tools) []finding {
		failed := map[string]bool{}
		var found []finding
		for _, p := range probes {
			if failed[p.needs] {
				failed[p.name] = true
				found = append(found, finding{Check: p.name, Detail: "cannot be checked without " + p.needs})
				continue
			}
			detail, err := p.ask(ctx, t)
			failed[p.name] = err != nil
			found = append(found, newFinding(p.name, "", detail, err))
		}
		return found
	}
}

func newFinding(check, app, detail string, err error) finding {
	f := finding{Check: check, App: app, OK: err == nil, Detail: detail}
	if err != nil {
		f.Detail = err.Error()
		var detailed *cli.Error
		if errors.As(err, &detailed) {
			f.Cure = detailed.Cure
		}
	}
	return f
}

// Run checks everything and prints what was found.
func (c checkCommand) Run(ctx context.Context, p cli.Process) error {
	var found []finding
	t, err := open(ctx, p)
	var invalid *config.Error
	switch {
	case errors.As(err, &invalid):
		for _, problem := range invalid.Problems {
			found = append(found, finding{Check: "configuration", Detail: problem.String(), Cure: "docs/configuration.md says what each key means; nothing else can be checked before"})
		}
	case err != nil:
		return err
	default:
		defer t.close()
		found = t.check(ctx)
	}
	red := 0
	for _, f := range found {
		if !f.OK {
			red++
		}
	}
	if err := c.Print(p.Stdout, found, func(w io.Writer) { writeFindings(w, found, red) }); err != nil {
		return err
	}
	if red > 0 {
		return cli.Errorf(cli.Refused, "", "%d of %d checks are red", red, len(found))
	}
	return nil
}

func (t *tools) check(ctx context.Context) []finding {
	sections := t.sections()
	answers := make([][]finding, len(sections))
	var wg sync.WaitGroup
	for i, section := range sections {
		wg.Go(func() { answers[i] = section(ctx, t) })
	}
	wg.Wait()
	found := []finding{newFinding("configuration", "", fmt.Sprintf("%s: %d apps, %d targets, %d tariffs",
		t.settings.ConfigFile, len(t.config.Apps), len(t.config.Targets), len(t.config.Tariffs)), nil)}
	for _, answer := range answers {
		found = append(found, answer...)
	}
	return found
}

func writeFindings(w io.Writer, found []finding, red int) {
	rows := make([][]string, len(found))
	for i, f := range found {
		mark, detail := "ok", f.Detail
		if !f.OK {
			mark = "RED"
			if f.Cure != "" {
				detail += "\n→ " + f.Cure
			}
		}
		rows[i] = []string{mark, f.Check, f.App, detail}
	}
	cli.Table(w, []string{"", "check", "app", "found"}, rows...)
	if red == 0 {
		fmt.Fprintf(w, "\nAll %d checks are green.\n", len(found))
	}
}
