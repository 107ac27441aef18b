package cli

import (
	"fmt"
	"time"

	"github.com/schollz/progressbar/v3"

	"aftercall/internal/ops"
)

// silenceLimit is for how long a backfill may not answer before that is noted.
const silenceLimit = 10 * time.Second

// backfillProgress shows a bar, if a person watches.
type backfillProgress struct {
	process  Process
	bar      *progressbar.ProgressBar // nil if nobody watches
	answered time.Time                // when the workflow answered last
	noted    bool                     // whether its silence was noted
}

func newBackfillProgress(p Process) *backfillProgress {
	b := &backfillProgress{process: p, answered: time.Now()}
	if p.Interactive() {
		b.bar = progressbar.NewOptions(
			-1, progressbar.OptionSetWriter(p.Stderr), progressbar.OptionSetDescription("starting"),
			progressbar.OptionSetWidth(30), progressbar.OptionClearOnFinish(),
		)
	}
	return b
}

// show takes the progress of the workflow, or why it did not answer.
func (b *backfillProgress) show(c ops.BackfillCounts, err error) {
	if err != nil {
		if time.Since(b.answered) > silenceLimit && !b.noted {
			b.noted = true
			fmt.Fprintln(b.process.Stderr, "note: the backfill does not answer; is a worker running? See aftercall check")
		}
		return
	}
	b.answered, b.noted = time.Now(), false
	if b.bar == nil || c.Planned == 0 {
		return
	}
	b.bar.ChangeMax(c.Planned)
	b.bar.Describe(fmt.Sprintf("%d listed, %d known, %d started", c.Listed, c.Known, c.Started))
	// The terminal may be gone; the backfill goes on.
	_ = b.bar.Set(c.Windows)
}

func (b *backfillProgress) finish() {
	if b.bar != nil {
		// As above: the counts are printed whatever the terminal shows.
		_ = b.bar.Finish()
	}
}
