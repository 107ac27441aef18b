package costs

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"aftercall/dev/tencentsim"
	"aftercall/internal/tencent"
)

const firstApp tencent.SDKAppID = 1400000000

// place lets n calls end, at so many a second, or as fast as their callbacks are
// answered if rate is 0, and waits until the target was notified of all. It returns
// when the last message came.
func (r *run) place(ctx context.Context, n, rate int) (last time.Time, err error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	begin := time.Now()
	for i := range n {
		spec := tencentsim.CallSpec{SDKAppID: firstApp + tencent.SDKAppID(i%apps), Seconds: 61}
		if rate > 0 {
			if err := sleep(ctx, time.Until(begin.Add(time.Duration(i)*time.Second/time.Duration(rate)))); err != nil {
				return last, err
			}
		} else {
			spec.EndedAgoSeconds = endedAgo
			for r.stack.Tencent.Stats().Callbacks.Pending >= atOnce {
				if err := sleep(ctx, time.Millisecond); err != nil {
					return last, err
				}
			}
		}
		call, err := r.stack.Tencent.PlaceCall(spec)
		if err != nil {
			return last, err
		}
		r.placed = append(r.placed, call)
	}
	for !r.done() {
		if err := sleep(ctx, 5*time.Millisecond); err != nil {
			return last, fmt.Errorf("%d of %d calls were notified: %w", r.notified(), len(r.placed), err)
		}
	}
	return time.Now(), nil
}

// done reports whether every call whose callback was accepted was notified. On a busy
// machine some callbacks may be refused; without sweeps, nobody finds their calls.
func (r *run) done() bool {
	callbacks := r.stack.Tencent.Stats().Callbacks
	return callbacks.Pending == 0 && r.notified() >= callbacks.Answers[http.StatusOK]
}

// notified is how many calls the target was notified of.
func (r *run) notified() int { return r.stack.Webhooks.Counts(target).Accepted }

func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// snapshot is what was used until a moment. To count costs CPU time itself: until is from
// before that, at and cpu are from after it.
type snapshot struct {
	until    time.Time
	untilCPU map[string]time.Duration
	at       time.Time
	cpu      map[string]time.Duration
	counts   counts
	requests int
	calls    int
}

func (r *run) snapshot(ctx context.Context) (s snapshot, err error) {
	if s.until, s.untilCPU, err = r.cpuNow(); err != nil {
		return s, err
	}
	if s.counts, err = r.store.count(ctx); err != nil {
		return s, err
	}
	s.requests, s.calls = r.requests(), r.notified()
	s.at, s.cpu, err = r.cpuNow()
	return s, err
}

// steady measures at a constant rate. What the stack does without calls is measured
// after the load, and subtracted.
func (r *run) steady(ctx context.Context, m *Measurement) error {
	if _, err := r.place(ctx, min(warmUp, r.Calls), r.Rate); err != nil {
		return err
	}
	r.sentFrom = len(r.placed)
	var at [3]snapshot // before, after, idle
	for i, then := range []func() error{
		func() error {
			if _, err := r.place(ctx, r.Calls, r.Rate); err != nil {
				return err
			}
			return sleep(ctx, settle)
		},
		func() error { return sleep(ctx, idle) },
		func() error { return nil },
	} {
		if i == 0 {
			if err := sleep(ctx, settle); err != nil {
				return err
			}
		}
		var err error
		if at[i], err = r.snapshot(ctx); err != nil {
			return err
		}
		if err := then(); err != nil {
			return err
		}
	}
	fill(m, at[0], at[1], at[2])
	return nil
}

// fill writes what was used between before and after, less what is used without calls,
// as between after and later.
func fill(m *Measurement, before, after, later snapshot) {
	calls := int64(after.calls - before.calls)
	// without is what n, used while idle, would have been in the time of the load.
	without := func(n float64) float64 {
		return n * after.until.Sub(before.at).Seconds() / later.until.Sub(after.at).Seconds()
	}
	used, background := after.counts.sub(before.counts), later.counts.sub(after.counts)
	for _, n := range []struct{ of, idle *int64 }{
		{&used.redisCommands, &background.redisCommands},
		{&used.temporalCommits, &background.temporalCommits},
		{&used.ledgerCommits, &background.ledgerCommits},
	} {
		*n.of = max(0, *n.of-int64(without(float64(*n.idle))))
	}
	used.into(m, calls)
	m.Requests.RecordAPI = int64(after.requests-before.requests) * 1000 / calls
	m.CPU = map[string]CPU{}
	for part := range after.cpu {
		busy, unused := after.untilCPU[part]-before.cpu[part], later.untilCPU[part]-after.cpu[part]
		m.CPU[part] = CPU{
			PerCall: max(0, int64((busy.Seconds()-without(unused.Seconds()))*1e6)/calls),
			Idle:    int64(unused.Seconds() * 1e6 / later.until.Sub(after.at).Seconds()),
		}
	}
}

// burnDown measures how many calls a second are possible, on servers that are warm.
func (r *run) burnDown(ctx context.Context, m *Measurement) error {
	begin, used, err := r.cpuNow()
	if err != nil {
		return err
	}
	earlier := r.notified()
	last, err := r.place(ctx, r.Calls, 0)
	if err != nil {
		return err
	}
	calls := r.notified() - earlier
	m.BurnDownPerSecond = int64(float64(calls)/last.Sub(begin).Seconds() + 0.5)
	_, after, err := r.cpuNow()
	for part, cpu := range m.CPU {
		cpu.BurnDown = (after[part] - used[part]).Microseconds() / int64(calls)
		m.CPU[part] = cpu
	}
	return err
}

// requests counts those at Tencent's API.
func (r *run) requests() (n int) {
	for _, api := range r.stack.Tencent.Stats().APIs {
		n += api.Requests
	}
	return n
}
