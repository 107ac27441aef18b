package operator

import (
	"fmt"
	"time"

	"github.com/schollz/progressbar/v3"

	cli "aftercall/internal/oldcli"
	"aftercall/workflows"
)

// progressInterval is how often a backfill is asked how far it is.
const progressInterval = 500 * time.Millisecond

// patience is for how long a backfill may say nothing before a person wants to
// know why.
const patience = 10 * time.Second

// progress shows how far a backfill is, if a person watches.
type progress struct {
	process cli.Process
	app     string
	bar     *progressbar.ProgressBar // nil if nobody watches
	silent  time.Time                // since when the workflow has not answered
	told    bool
}

func newProgress(process cli.Process, app string) *progress {
	p := &progress{process: process, app: app, silent: time.Now()}
	if process.Interactive() {
		p.bar = progressbar.NewOptions(
			-1, progressbar.OptionSetWriter(process.Stderr), progressbar.OptionSetDescription("starting"),
			progressbar.OptionSetWidth(30), progressbar.OptionClearOnFinish(),
		)
	}
	return p
}

// show takes the answer of the workflow.
func (p *progress) show(done workflows.SweepResult, err error) {
	if err != nil {
		if time.Since(p.silent) > patience && !p.told {
			p.told = true
			fmt.Fprintln(p.process.Stderr, "note: the backfill does not say how far it is; is a worker running? starter check tells")
		}
		return
	}
	p.silent, p.told = time.Now(), false
	if p.bar == nil || done.Planned == 0 {
		return
	}
	p.bar.ChangeMax(done.Planned)
	p.bar.Describe(fmt.Sprintf("%s: %d listed, %d known, %d started", p.app, done.Listed, done.Known, done.Recovered))
	// The terminal may be gone; the backfill goes on.
	_ = p.bar.Set(done.Windows)
}

func (p *progress) finish() {
	if p.bar != nil {
		_ = p.bar.Finish()
	}
}
