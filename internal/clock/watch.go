package clock

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

const (
	// interval is how often the clocks are compared.
	interval = 30 * time.Second
	// readTimeout is how long reading another clock may take.
	readTimeout = 5 * time.Second
)

// Cure is what to do about a clock that is wrong.
const Cure = "set the clock of its machine, and run chrony or another NTP client there"

// The names of the sources.
const (
	Temporal = "temporal"
	Ledger   = "ledger"
	Redis    = "redis"
)

// Source is a system with a clock of its own.
type Source struct {
	Name string
	// Read returns what its clock shows at some moment during the call.
	Read func(context.Context) (time.Time, error)
}

// Measure compares now with the clock of the source.
func (s Source) Measure(ctx context.Context, now func() time.Time) (Offset, error) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	before := now()
	remote, err := s.Read(ctx)
	if err != nil {
		return Offset{}, err
	}
	return Compare(before, remote, now()), nil
}

// Watch compares the clock of this process with those of its sources again and
// again. It is safe for concurrent use.
type Watch struct {
	now     func() time.Time
	sources []Source
	logger  *slog.Logger
	gauge   *prometheus.GaugeVec

	mu sync.Mutex
	// ahead has the offset of each source that has been read, AtLeast.
	ahead map[string]time.Duration
	// ofMost is the middle of ahead and 0, this process's own.
	ofMost time.Duration
	failed map[string]bool
	// measured is closed by the next measurement, and replaced.
	measured chan struct{}
}

// NewWatch returns a Watch of now, the clock of this process.
func NewWatch(now func() time.Time, reg prometheus.Registerer, logger *slog.Logger, sources ...Source) *Watch {
	w := &Watch{
		now: now, sources: sources, logger: logger, ahead: map[string]time.Duration{}, failed: map[string]bool{}, measured: make(chan struct{}),
		gauge: promauto.With(reg).NewGaugeVec(prometheus.GaugeOpts{
			Name: "aftercall_clock_offset_seconds",
			Help: "How far the clock of this process is ahead of that of a source, at least; negative if it is behind, 0 if they may agree.",
		}, []string{"source"}),
	}
	for _, source := range sources {
		w.gauge.WithLabelValues(source.Name)
	}
	return w
}

// Run measures until ctx ends.
func (w *Watch) Run(ctx context.Context) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		w.Measure(ctx)
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// Measure reads the clocks of all sources once. A source that does not answer keeps
// the offset that it had.
func (w *Watch) Measure(ctx context.Context) {
	var wg sync.WaitGroup
	for _, source := range w.sources {
		wg.Go(func() {
			offset, err := source.Measure(ctx, w.now)
			if ctx.Err() == nil {
				w.note(ctx, source.Name, offset.AtLeast(), err)
			}
		})
	}
	wg.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	close(w.measured)
	w.measured = make(chan struct{})
}

// note logs what has changed; that is at most one line a source and measurement.
func (w *Watch) note(ctx context.Context, source string, ahead time.Duration, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	failedBefore := w.failed[source]
	w.failed[source] = err != nil
	if err != nil {
		if !failedBefore {
			w.logger.InfoContext(ctx, "the clock of "+source+" cannot be read", "error", err)
		}
		return
	}
	before := w.ahead[source]
	w.ahead[source] = ahead
	w.ofMost = middle(w.ahead)
	w.gauge.WithLabelValues(source).Set(ahead.Seconds())
	switch {
	case level(ahead) == level(before):
	case level(ahead) == 0:
		w.logger.InfoContext(ctx, "the clock agrees with that of "+source+" again")
	default:
		w.logger.WarnContext(ctx, "the clock of this machine is "+Describe(ahead)+" that of "+source+": "+Cure)
	}
}

// level is 0 for clocks that agree, 1 for a difference, 2 for one with which nothing works.
func level(ahead time.Duration) int {
	switch {
	case ahead.Abs() > Wrong:
		return 2
	case ahead.Abs() > Tolerated:
		return 1
	}
	return 0
}

// Now is the time by the clock on which most agree, this process and its sources,
// and the sources where there is no majority.
func (w *Watch) Now() time.Time { return w.now().Add(-w.Ahead()) }

// NowOf is the time by the clock of a source, and by this process's as long as the
// other one is not known.
func (w *Watch) NowOf(source string) time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now().Add(-w.ahead[source])
}

// Ahead is how far the clock of this process is ahead of the time that Now returns.
func (w *Watch) Ahead() time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.ofMost
}

// middle is the median of ahead and 0, and of two the one that is not nearer to 0.
func middle(ahead map[string]time.Duration) time.Duration {
	all := append(slices.Collect(maps.Values(ahead)), 0)
	slices.Sort(all)
	low, high := all[(len(all)-1)/2], all[len(all)/2]
	if low.Abs() > high.Abs() {
		return low
	}
	return high
}

// Problem says that the clock of this process is wrong, and is empty otherwise.
func (w *Watch) Problem() string {
	if ahead := w.Ahead(); ahead.Abs() > Wrong {
		return "the clock of this machine is " + Describe(ahead) + " the others: " + Cure
	}
	return ""
}

// Right reports whether this process's clock is right by that of a source, as far as is known.
func (w *Watch) Right(source string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.ahead[source].Abs() <= Wrong
}

// Await waits until this process's clock is right, or wrong, by that of a source. It
// returns false if ctx ends before that.
func (w *Watch) Await(ctx context.Context, source string, right bool) bool {
	for {
		w.mu.Lock()
		measured := w.measured
		w.mu.Unlock()
		if w.Right(source) == right {
			return true
		}
		select {
		case <-ctx.Done():
			return false
		case <-measured:
		}
	}
}
