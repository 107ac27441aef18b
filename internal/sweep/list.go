package sweep

import (
	"context"
	"errors"

	"aftercall/internal/tencent"
)

// Lister lists call records by page; *tencent.Client does.
type Lister interface {
	Records(ctx context.Context, filter tencent.RecordFilter) (tencent.RecordPage, error)
}

const (
	// pageSize is what is asked for. What Tencent gives at the most is not
	// documented, so no page counts as the last one for being short.
	pageSize = 100
	// passes are made at the most over a window whose pages shift, and
	// stalledPasses after the last one that found a call not seen before.
	// Then it is split.
	passes        = 20
	stalledPasses = 3
	// MaxCalls in one window; more are split, so that one listing stays short.
	MaxCalls = 2000
)

// ErrSplit says that a window could not be listed whole: it holds too many
// calls, or its pages shift. A narrower one may.
var ErrSplit = errors.New("the window is too large to be listed whole")

// List reads every record of a window, each once, in no order. Tencent
// documents neither order nor stability of pages nor their largest size, so a
// listing is whole only when as many different calls were seen as Tencent
// counts; ErrSplit if that could not be reached. progress is called after
// every page.
func List(ctx context.Context, l Lister, w Window, progress func()) ([]tencent.CallRecord, error) {
	seen := map[string]tencent.CallRecord{}
	for made, stalled := 0, 0; made < passes && stalled < stalledPasses; made++ {
		before := len(seen)
		whole, err := pass(ctx, l, w, seen, progress)
		if err != nil {
			return nil, err
		}
		if whole {
			records := make([]tencent.CallRecord, 0, len(seen))
			for _, r := range seen {
				records = append(records, r)
			}
			return records, nil
		}
		if stalled++; len(seen) > before {
			stalled = 0
		}
	}
	return nil, ErrSplit
}

// pass reads the pages of a window once, up to an empty one, or until as many
// calls were seen as there are.
func pass(ctx context.Context, l Lister, w Window, seen map[string]tencent.CallRecord, progress func()) (whole bool, err error) {
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
			return false, ErrSplit
		case len(answer.Records) == 0:
			return len(seen) >= total, nil
		case total > 0 && len(seen) >= total:
			return true, nil
		}
	}
}
