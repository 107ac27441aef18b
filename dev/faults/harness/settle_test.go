package main

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"aftercall/dev/faults/checker"
)

// scripted is evidence as a test has it, by how long the last fault is over.
type scripted struct {
	began time.Time
	swept time.Duration
	at    func(after time.Duration, last bool) checker.Evidence
}

func (s scripted) collect(_ context.Context, last bool) (checker.Evidence, error) {
	return s.at(time.Since(s.began), last), nil
}

func (s scripted) unswept(context.Context, time.Time) ([]string, error) {
	if time.Since(s.began) < s.swept {
		return []string{"clinic"}, nil
	}
	return nil, nil
}

func twice() checker.Evidence {
	charge := func(key string) checker.Entry {
		return checker.Entry{Key: key, Kind: "charge", App: "clinic", CallID: "call", Amount: "0.00", Currency: "USD", Result: "Cancel", EndedAt: 2}
	}
	return checker.Evidence{
		Tariffs: map[string]checker.Tariff{"clinic": {Currency: "USD", Digits: 2}},
		Calls:   []checker.Call{{App: "clinic", CallID: "call", Start: 1, End: 2, Media: "Audio", Type: "SingleCall", Result: "Cancel", Recorded: true, Clean: true}},
		Entries: []checker.Entry{charge("first"), charge("second")},
	}
}

// TestSettle: a run is clean when nothing was wrong after the sweeps that follow the last
// fault, and has recovered when nothing was wrong first.
func TestSettle(t *testing.T) {
	clean := func(time.Duration, bool) checker.Evidence { return checker.Evidence{} }
	for name, test := range map[string]struct {
		swept     time.Duration
		at        func(time.Duration, bool) checker.Evidence
		findings  []string
		recovered time.Duration
		took      time.Duration
	}{
		"clean at once": {swept: time.Minute, at: clean, took: time.Minute},
		"no sweep": {
			swept: time.Hour, at: clean, took: recovery + lastSweep,
			findings: []string{"stuck: no sweep of clinic that began after the last fault has listed its calls"},
		},
		"waits for good": {swept: time.Minute, took: recovery, recovered: recovery, at: func(time.Duration, bool) checker.Evidence {
			return checker.Evidence{Stuck: []string{"workflow x"}}
		}, findings: []string{"stuck: workflow x"}},
		"recovers late, and is swept later": {swept: recovery + time.Minute, took: recovery + time.Minute, recovered: recovery - time.Minute, at: func(after time.Duration, _ bool) (e checker.Evidence) {
			if after < recovery-time.Minute {
				e.Stuck = []string{"workflow x"}
			}
			return e
		}},
		"a sweep charges again": {swept: time.Minute, took: 50 * time.Second, recovered: 50 * time.Second, at: func(after time.Duration, _ bool) checker.Evidence {
			if after < 50*time.Second {
				return checker.Evidence{}
			}
			return twice()
		}, findings: []string{"doubled: call call of clinic: it is charged by first, and again by second"}},
		"wrong only at the last look": {swept: time.Minute, took: time.Minute, recovered: time.Minute, at: func(_ time.Duration, last bool) checker.Evidence {
			if last {
				return checker.Evidence{Problems: []string{"a workflow task has failed"}}
			}
			return checker.Evidence{}
		}, findings: []string{"problem: a workflow task has failed"}},
		"waits for a while, then again": {swept: 10 * time.Second, took: 30 * time.Second, recovered: 30 * time.Second, at: func(after time.Duration, _ bool) (e checker.Evidence) {
			if after < 5*time.Second || (after > 8*time.Second && after < 30*time.Second) {
				e.Stuck = []string{"workflow x"}
			}
			return e
		}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				_, findings, recovered, err := settle(t.Context(), scripted{began, test.swept, test.at}, began)
				require.NoError(t, err)
				var found []string
				for _, f := range findings {
					found = append(found, f.String())
				}
				require.Equal(t, test.findings, found)
				require.Equal(t, test.took, time.Since(began))
				require.Equal(t, test.recovered, recovered)
			})
		})
	}
}
