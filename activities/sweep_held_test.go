package activities

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"

	"aftercall/internal/ledger"
	"aftercall/internal/sweep"
	"aftercall/internal/tencent"
)

// Windows of tests: one that cannot be divided, and one after it.
var (
	second = sweep.Window{From: endedAt, To: endedAt}
	later  = sweep.Window{From: endedAt.Add(time.Second), To: endedAt.Add(time.Minute)}
)

var errNoList = fmt.Errorf("list: %w", &tencent.UnreadableAnswerError{Problem: tencent.FieldError{Field: "CallRecordList", Problem: "must be a list"}})

// unlistable is a world in which the second page of endedAt is not a list.
func unlistable() *sweepWorld {
	return &sweepWorld{listed: []tencent.CallRecord{ended("first page", endedAt)}, total: 2, second: endedAt.Unix(), secondErr: errNoList}
}

// TestSecondThatCannotBeListed is held back by itself: what could be read of it is
// taken, the progress moves on, and it is tried again.
func TestSecondThatCannotBeListed(t *testing.T) {
	w, key := unlistable(), ledger.HeldWindow(second.From, second.To).Key
	f := newSweepFixture(t, w)
	for range 2 { // the second time it is not due
		result, err := f.run(SweepWindowParams{Advance: true, Window: second})
		require.NoError(t, err)
		require.Equal(t, 1, result.Counts.HeldBack)
		require.Zero(t, result.Counts.Unlisted, "it is not known what is missing")
		require.Equal(t, []string{"first page"}, f.started)
		require.Equal(t, second.To, f.sweptTo.UTC())
		require.Len(t, f.held, 1)
		require.Equal(t, 1, f.held[key].Attempts)
		require.Contains(t, f.held[key].Reason, "CallRecordList: must be a list")
		w.workflows = map[string]StartOutcome{"first page": StillRunning}
	}
	require.InDelta(t, 1, testutil.ToFloat64(f.sweeps.metrics.held.WithLabelValues("clinic")), 0)

	// The sweep of a later window tries it again. Whatever fails then, the sweep goes on.
	for i, err := range []error{errNoList, &tencent.APIError{Code: 101001}, errors.New("connection reset")} {
		w.now, w.secondErr = w.now.Add(6*time.Minute), err
		result, err := f.run(SweepWindowParams{Advance: true, Window: later})
		require.NoError(t, err)
		require.Equal(t, 1, result.Counts.HeldBack)
		require.Equal(t, 2+i, f.held[key].Attempts)
		require.Equal(t, later.To, f.sweptTo.UTC())
	}
	require.Contains(t, f.held[key].Reason, "connection reset")

	w.now, w.secondErr = w.now.Add(6*time.Minute), nil
	w.listed = append(w.listed, ended("second page", endedAt))
	result, err := f.run(SweepWindowParams{Advance: true, Window: later})
	require.NoError(t, err)
	require.Zero(t, result.Counts.HeldBack)
	require.Equal(t, []string{"first page", "second page"}, f.started)
	require.Empty(t, f.held)
}

func TestSecondThatCanBeListedAgain(t *testing.T) {
	w := unlistable()
	f := newSweepFixture(t, w)
	_, err := f.run(SweepWindowParams{Window: second})
	require.NoError(t, err)
	require.Len(t, f.held, 1, "by a backfill, too")
	before := ledger.HeldWindow(second.From.Add(-time.Second), second.To.Add(-time.Second))
	f.held[before.Key] = before
	w.second, w.secondErr, w.total = 0, nil, 0
	_, err = f.run(SweepWindowParams{Window: later})
	require.NoError(t, err)
	require.Len(t, f.held, 2, "a backfill of another time says nothing about them")
	w.releaseErr = errors.New("connection refused")
	_, err = f.run(SweepWindowParams{Window: window})
	require.Equal(t, LedgerUnavailable, errorType(err))
	w.releaseErr = nil
	_, err = f.run(SweepWindowParams{Window: window})
	require.NoError(t, err)
	require.Empty(t, f.held, "they were listed whole, within a larger window")
}

// TestSecondThatIsTooOld: Tencent moves the start of the window silently, so an
// empty list of it would mean nothing.
func TestSecondThatIsTooOld(t *testing.T) {
	w := unlistable()
	f := newSweepFixture(t, w)
	_, err := f.run(SweepWindowParams{Advance: true, Window: second})
	require.NoError(t, err)
	w.listed, w.secondErr, w.total = nil, nil, 0
	for range 2 {
		w.now = w.now.Add(sweep.Reach)
		_, err = f.run(SweepWindowParams{Advance: true, Window: later})
		require.NoError(t, err)
		require.Len(t, f.held, 1)
	}
	require.Equal(t, tooOld+errNoList.(interface{ Unwrap() error }).Unwrap().Error(), f.held[ledger.HeldWindow(second.From, second.To).Key].Reason)
}

func TestDryRunHoldsNothingBack(t *testing.T) {
	f := newSweepFixture(t, unlistable())
	result, err := f.run(SweepWindowParams{DryRun: true, Window: second})
	require.NoError(t, err)
	require.Equal(t, SweepCounts{Listed: 1, Recovered: 1, HeldBack: 1}, result.Counts)
	require.Empty(t, f.held)
}

// TestWhatIsDismissedIsLeftAlone although Tencent still lists it.
func TestWhatIsDismissedIsLeftAlone(t *testing.T) {
	w := unlistable()
	w.unreadable = []tencent.RecordRow{{Hash: "abc", Raw: "[7]", Problems: []tencent.FieldError{{Field: "CallRecord", Problem: "must be an object"}}}}
	w.startErrs = map[string]error{"first page": &PermanentStartError{errors.New("too large")}}
	f := newSweepFixture(t, w)
	_, err := f.run(SweepWindowParams{Advance: true, Window: second})
	require.NoError(t, err)
	require.Len(t, f.held, 3)
	for key, h := range f.held {
		h.Dismissed = &ledger.Dismissal{By: "alice", Reason: "billed by hand"}
		f.held[key] = h
	}
	w.now = w.now.Add(time.Hour)
	for _, p := range []SweepWindowParams{{Advance: true}, {DryRun: true}, {}} {
		p.Window = second
		result, err := f.run(p)
		require.NoError(t, err)
		require.Equal(t, SweepCounts{Listed: 2, Known: 2}, result.Counts)
	}
	for _, h := range f.held {
		require.Equal(t, 1, h.Attempts)
		require.NotNil(t, h.Dismissed)
	}
	require.Empty(t, f.started)
	require.Zero(t, testutil.ToFloat64(f.sweeps.metrics.held.WithLabelValues("clinic")))
}
