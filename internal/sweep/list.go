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
	// earlier after maxStalledPasses in a row that found no new row, or for a
	// window that cannot be split after maxStalledSecondPasses.
	maxPasses              = 20
	maxStalledPasses       = 3
	maxStalledSecondPasses = 8
	// maxSamePages ends a pass: so many times the same page in a row means that
	// the page number is ignored.
	maxSamePages = 3
	// maxPages ends a pass whose pages do not end.
	maxPages = 20000
	// MaxCalls is the largest number of calls in a window that is listed. Larger
	// windows are divided, so that one listing stays short.
	MaxCalls = 2000
)

// ErrWindowTooLarge reports that a window could not be listed completely, because
// it holds too many calls, its pages keep changing, or one of them is too large or
// otherwise cannot be read. Its Halves may succeed. It is never returned for a window of one second.
var ErrWindowTooLarge = errors.New("the window is too large to be listed completely")

// Listing is what was found in a window.
type Listing struct {
	// Rows are the calls, each once, in no particular order. A row may have
	// problems in fields other than CallId; its record is only a hint anyway.
	Rows []tencent.RecordRow
	// Unreadable are the rows without a readable CallId, each content once. Their
	// Hash identifies them.
	Unreadable []tencent.RecordRow
	// Total is how many records Tencent counts in the window.
	Total int
	// Unread is why a page could not be read, nil if all could. Then Rows and
	// Unreadable are those of the pages before it. Only a window of one second has
	// it, because others are divided instead.
	Unread *tencent.UnreadableAnswerError
}

// Missing is how many records Tencent counts that it did not list, however often
// it was asked. 0 is the usual value.
func (l Listing) Missing() int { return max(l.Total-len(l.Rows)-len(l.Unreadable), 0) }

// Records are the records of Rows.
func (l Listing) Records() []tencent.CallRecord {
	records := make([]tencent.CallRecord, len(l.Rows))
	for i, row := range l.Rows {
		records[i] = row.Record
	}
	return records
}

// List returns all records of a window, each once. Tencent documents neither the
// order nor the stability of pages, so a listing is complete only when as many
// different rows were seen as Tencent counts, and the next page is empty or the
// same again: the count may be too low.
//
// If several passes agree that there are fewer, Tencent's count is wrong or it
// repeats a row: the listing is taken, and Missing is the difference. Passes agree
// if each had all its rows on one page, which cannot shift, or if the window is
// one second, which cannot be split. Otherwise the error is ErrWindowTooLarge.
// progress is called after every page.
func List(ctx context.Context, l Lister, w Window, progress func()) (Listing, error) {
	found := listing{rows: map[string]tencent.RecordRow{}}
	_, divisible := w.Halves()
	stalledLimit := maxStalledPasses
	if !divisible {
		stalledLimit = maxStalledSecondPasses
	}
	for passes, stalled := 0, 0; passes < maxPasses && stalled < stalledLimit; passes++ {
		before := len(found.rows)
		complete, err := found.pass(ctx, l, w, progress)
		if err != nil {
			return Listing{}, err
		}
		if complete {
			return found.result(), nil
		}
		if stalled++; len(found.rows) > before {
			stalled = 0
		}
		if found.onePage && stalled == maxStalledPasses {
			return found.result(), nil
		}
	}
	if divisible {
		return Listing{}, ErrWindowTooLarge
	}
	return found.result(), nil
}

// listing collects the rows of several passes.
type listing struct {
	rows   map[string]tencent.RecordRow
	total  int
	unread *tencent.UnreadableAnswerError
	// onePage reports whether all rows of the last pass were on its first page.
	onePage bool
}

// pass reads the pages of a window once, until a page is empty or no page brings
// more. It reports whether there is nothing more to list.
func (f *listing) pass(ctx context.Context, l Lister, w Window, progress func()) (complete bool, err error) {
	_, divisible := w.Halves()
	total, same := 0, 0
	var previous []string
	f.onePage = true
	for page := 1; ; page++ {
		answer, err := l.Records(ctx, tencent.RecordFilter{
			StartTime: w.From.Unix(), EndTime: w.To.Unix(), Page: page, NumberPerPage: pageSize,
		})
		switch {
		case errors.As(err, &f.unread) && divisible:
			return false, ErrWindowTooLarge // a smaller one may be without what is wrong
		case f.unread != nil:
			return true, nil //nolint:nilerr // the listing says it
		case err != nil:
			return false, err
		}
		progress()
		total = max(total, answer.TotalNum)
		f.total = total
		keys := f.add(answer.Rows)
		if same++; !slices.Equal(keys, previous) {
			same = 0
		}
		previous = keys
		switch {
		case divisible && (max(total, len(f.rows)) > MaxCalls || page > MaxCalls):
			return false, ErrWindowTooLarge
		case page > maxPages:
			return false, nil
		case len(keys) == 0:
			return len(f.rows) >= total, nil
		case same > 0 && total > 0 && len(f.rows) >= total:
			return true, nil
		case same == maxSamePages:
			return false, nil
		case page > 1:
			f.onePage = false
		}
	}
}

// add adds the rows of a page, and returns their keys.
func (f *listing) add(rows []tencent.RecordRow) []string {
	keys := make([]string, len(rows))
	for i, row := range rows {
		keys[i] = "call:" + row.Record.CallID
		if row.Unreadable() {
			keys[i] = "row:" + row.Hash
		}
		// Of two rows of a call, the one that can be read better is kept.
		if known, ok := f.rows[keys[i]]; !ok || len(row.Problems) < len(known.Problems) {
			f.rows[keys[i]] = row
		}
	}
	return keys
}

// result is in the order of the keys, so that the same rows are handled in the same
// order.
func (f *listing) result() Listing {
	result := Listing{Total: f.total, Unread: f.unread}
	for _, key := range slices.Sorted(maps.Keys(f.rows)) {
		row := f.rows[key]
		if row.Unreadable() {
			result.Unreadable = append(result.Unreadable, row)
		} else {
			result.Rows = append(result.Rows, row)
		}
	}
	return result
}
