package sweep

import (
	"context"
	"errors"
	"maps"
	"slices"

	"aftercall/internal/tencent"
)

// Lister lists call records by page, as *tencent.Client does.
type Lister interface {
	Records(ctx context.Context, filter tencent.RecordFilter) (tencent.RecordPage, error)
}

const (
	// pageSize is the requested number of records per page. Tencent may return
	// fewer: its largest page is not documented. A short page is therefore not
	// taken for the last one.
	pageSize = 100
	// maxPasses is how often the pages of one window are read. It is given up
	// earlier after maxStalledPasses in a row that found no new call.
	maxPasses        = 20
	maxStalledPasses = 3
	// MaxCalls is the largest number of calls in a window that is listed. Larger
	// windows are divided, so that one listing stays short.
	MaxCalls = 2000
)

// ErrWindowTooLarge reports that a window could not be listed completely, because
// it holds too many calls or its pages keep changing. Its Halves may succeed.
var ErrWindowTooLarge = errors.New("the window is too large to be listed completely")

// List returns all records of a window, each once, in no particular order.
// Tencent documents neither the order nor the stability of pages, so a listing
// is complete only when as many different calls were seen as Tencent counts; the
// error is ErrWindowTooLarge if that was not reached. progress is called after
// every page.
func List(ctx context.Context, l Lister, w Window, progress func()) ([]tencent.CallRecord, error) {
	seen := map[string]tencent.CallRecord{}
	for passes, stalled := 0, 0; passes < maxPasses && stalled < maxStalledPasses; passes++ {
		before := len(seen)
		complete, err := listPages(ctx, l, w, seen, progress)
		if err != nil {
			return nil, err
		}
		if complete {
			return slices.Collect(maps.Values(seen)), nil
		}
		if stalled++; len(seen) > before {
			stalled = 0
		}
	}
	return nil, ErrWindowTooLarge
}

// listPages reads the pages of a window once into seen, until a page is empty or
// all calls were seen. It reports whether seen is complete.
func listPages(ctx context.Context, l Lister, w Window, seen map[string]tencent.CallRecord, progress func()) (complete bool, err error) {
	total := 0
	for page := 1; ; page++ {
		answer, err := l.Records(ctx, tencent.RecordFilter{
			StartTime: w.From.Unix(), EndTime: w.To.Unix(), Page: page, NumberPerPage: pageSize,
		})
		if err != nil {
			return false, err
		}
		progress()
		total = max(total, answer.TotalNum)
		for _, r := range answer.Records {
			seen[r.CallID] = r
		}
		switch {
		case total > MaxCalls && w.To.After(w.From), page > MaxCalls:
			return false, ErrWindowTooLarge
		case len(answer.Records) == 0:
			return len(seen) >= total, nil
		case total > 0 && len(seen) >= total:
			return true, nil
		}
	}
}
