package ops

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"aftercall/internal/billing"
	"aftercall/internal/config"
	"aftercall/internal/ledger"
	"aftercall/internal/tencent"
)

// fakeRecords is a record API that lists calls by their start. busy is how many
// requests the rate limit refuses.
type fakeRecords struct {
	records map[string]tencent.CallRecord
	// problems are those of the records that cannot be read completely.
	problems map[string][]tencent.FieldError
	// unreadable are rows without CallId, which each window lists.
	unreadable []tencent.RecordRow
	busy       int
	asked      []string
}

func (f *fakeRecords) Records(_ context.Context, filter tencent.RecordFilter) (tencent.RecordPage, error) {
	if f.busy > 0 {
		f.busy--
		return tencent.RecordPage{}, &tencent.BusyError{RetryAfter: time.Millisecond}
	}
	page := tencent.RecordPage{Page: filter.Page}
	for _, r := range f.records {
		if r.StartTime >= filter.StartTime && r.StartTime <= filter.EndTime {
			page.TotalNum++
			if filter.Page == 1 {
				page.Rows = append(page.Rows, tencent.RecordRow{Record: r, Problems: f.problems[r.CallID]})
			}
		}
	}
	page.TotalNum += len(f.unreadable)
	page.Rows = append(page.Rows, f.unreadable...)
	return page, nil
}

func (f *fakeRecords) Record(_ context.Context, callID string) (tencent.CallRecord, error) {
	f.asked = append(f.asked, callID)
	if r, ok := f.records[callID]; ok {
		if problems := f.problems[callID]; problems != nil {
			return tencent.CallRecord{}, &tencent.UnreadableRecordError{Record: r, Problems: problems}
		}
		return r, nil
	}
	return tencent.CallRecord{}, &tencent.APIError{Code: tencent.CodeRecordNotFound}
}

func TestCompareWithRecords(t *testing.T) {
	const app = tencent.SDKAppID(1400000000)
	now := time.Date(2026, 3, 8, 12, 0, 0, 0, time.UTC)
	l, err := ledger.Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "ledger.db"), ledger.Options{})
	require.NoError(t, err)
	defer l.Close()
	price, err := billing.ParseDecimal("0.12")
	require.NoError(t, err)
	rater, err := billing.NewRater("standard", billing.Tariff{Currency: "USD", Versions: []billing.Version{{
		EffectiveFrom: now.AddDate(-1, 0, 0), Rules: []billing.Rule{{RatePerMinute: price, FirstInterval: 60, NextInterval: 60}},
	}}})
	require.NoError(t, err)
	api := &fakeRecords{records: map[string]tencent.CallRecord{}, busy: 2}
	record := func(callID string, ago time.Duration) tencent.CallRecord {
		end := now.Add(-ago).Unix()
		return tencent.CallRecord{
			CallID: callID, Caller: "patient", MediaType: tencent.MediaAudio, CallType: tencent.CallTypeSingle, Result: tencent.ResultNormalEnd,
			StartTime: end - 70, AcceptTime: end - 61, EndTime: end, Members: []string{"patient", "doctor"},
		}
	}
	charge := func(r tencent.CallRecord, decision *billing.Decision) ledger.Entry {
		rated, err := rater.Rate(r, now)
		if decision != nil {
			rated, err = rater.Decide(r, *decision)
		}
		require.NoError(t, err)
		e, _, err := l.Charge(t.Context(), ledger.Entry{SDKAppID: app, App: "clinic", Record: r, Charge: rated, WorkflowID: "w", FirstRunID: "r"})
		require.NoError(t, err)
		return e
	}
	both := func(callID string, ago time.Duration) ledger.Entry {
		api.records[callID] = record(callID, ago)
		return charge(record(callID, ago), nil)
	}
	both("fine", time.Hour)
	reversal := both("reversed", 2*time.Hour)
	_, _, err = l.Reverse(t.Context(), reversal.Key, ledger.Correction{Reason: "x", Operator: "alice"})
	require.NoError(t, err)
	api.records["missing"] = record("missing", 3*time.Hour)
	api.records["in review"] = record("in review", 4*time.Hour)
	api.records["unknown"] = record("unknown", 5*time.Hour)
	api.records["not settled"] = record("not settled", time.Minute)
	charge(record("extra", 30*time.Hour), nil)
	charge(record("older than records", 8*24*time.Hour), nil)
	charge(record("without record", 31*time.Hour), &billing.Decision{Verdict: billing.VerdictChargeAs, ConnectedSeconds: 5, Unconfirmed: true})
	free, unrecorded, err := rater.RateUnrecorded(billing.UnrecordedFree, record("free without record", 32*time.Hour), now)
	require.NoError(t, err)
	_, _, err = l.Charge(t.Context(), ledger.Entry{SDKAppID: app, App: "clinic", Record: free, Charge: unrecorded, WorkflowID: "w", FirstRunID: "r"})
	require.NoError(t, err)
	other := record("different", 50*time.Hour)
	charge(other, nil)
	other.EndTime++
	api.records["different"] = other
	api.problems = map[string][]tencent.FieldError{"odd": {{Field: "CallResult", Problem: "must be a string"}}}
	both("odd", 6*time.Hour)
	api.problems["odd, decided"] = api.problems["odd"]
	api.records["odd, decided"] = record("odd, decided", 7*time.Hour)
	charge(record("odd, decided", 7*time.Hour), &billing.Decision{Verdict: billing.VerdictChargeAs, ConnectedSeconds: 5})
	api.unreadable = []tencent.RecordRow{{Hash: "1234", Problems: []tencent.FieldError{{Field: "CallId", Problem: "must not be empty"}}}}
	// It began in the window before, where it would be listed.
	edge := now.Add(-2 * time.Minute).Add(-7 * 24 * time.Hour).Add(2*time.Minute + time.Second + 6*time.Hour + 10*time.Second)
	both("over the edge", now.Sub(edge))

	audit := recordAudit{
		app:    config.App{Name: "clinic", SDKAppID: app, Sweep: config.Sweep{Settle: 2 * time.Minute, Overlap: time.Hour}},
		ledger: l, records: waitingClient{api}, now: now,
		isRunning: func(_ context.Context, callID string) (bool, error) {
			if callID == "unknown" {
				return false, errors.New("connection refused")
			}
			return callID == "in review", nil
		},
	}
	require.NoError(t, audit.run(t.Context()))
	found := audit.result
	require.Equal(t, []int{9, 6, 1, 2, 3, 1, 2}, []int{
		found.Records, found.Compared, found.Running, found.Unconfirmed, found.Missing, found.Extra, found.Different,
	})
	require.ElementsMatch(t, []Problem{
		{ProblemMissing, app, "missing", "", "ended 2026-03-08T09:00:00Z and was never charged; aftercall backfill charges it"},
		{ProblemMissing, app, "unknown", "", "ended 2026-03-08T07:00:00Z; Temporal does not say whether its workflow is running: connection refused"},
		{ProblemExtra, app, "extra", "", "Tencent has no record of it"},
		{ProblemMissing, app, "row 1234", "", "Tencent lists a record whose CallId cannot be read: CallId: must not be empty"},
		{ProblemDifferent, app, "odd", "", "Tencent's record cannot be read: CallResult: must be a string"},
		{ProblemDifferent, app, "different", "", "EndTime was 1772791200 and is 1772791201"},
	}, found.Found)
	require.Contains(t, api.asked, "over the edge")

	audit.beginning = now
	require.NoError(t, audit.run(t.Context()))
	require.Zero(t, audit.result.Records, "calls before go_live are not compared")
}
