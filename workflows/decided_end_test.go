package workflows_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"

	"aftercall/activities"
	"aftercall/internal/tencent"
	"aftercall/workflows"
)

// TestAPersonNamesWhenACallEnded: a callback, or a record, may claim a time at which the
// call cannot have ended. A person can charge it all the same, at the time that they name.
func TestAPersonNamesWhenACallEnded(t *testing.T) {
	asked := endedAt.Add(time.Hour)
	plain := chargeAs
	plain.Payer = "patient-3"
	naming := func(end time.Time) workflows.DecideParams {
		d := plain
		d.EndedAt = end
		return d
	}
	claims := func(unix int64) func(*tencent.CallRecord) {
		return func(r *tencent.CallRecord) { r.EndTime = unix }
	}
	real := endedAt.Add(-10 * time.Minute)
	for name, tt := range map[string]struct {
		claim    func(*tencent.CallRecord)
		decision workflows.DecideParams
		refused  string // empty if it is charged
		ended    time.Time
	}{
		"1970":                        {claims(1), plain, "ended_at: is missing: the call cannot have ended at 1970-01-01 00:00:01 UTC, so name the real time", time.Time{}},
		"1970, named":                 {claims(1), naming(real), "", real},
		"2100":                        {claims(4102444800), plain, "ended_at: is missing: the call cannot have ended at 2100-01-01 00:00:00 UTC", time.Time{}},
		"2100, named":                 {claims(4102444800), naming(real), "", real},
		"more than seven days ago":    {claims(endedAt.Unix() - 7*24*3600 - 61), plain, "ended_at: is missing", time.Time{}},
		"seven days ago":              {claims(endedAt.Unix() - 7*24*3600), plain, "", endedAt.Add(-7 * 24 * time.Hour)},
		"none":                        {claims(0), plain, "ended_at: is missing: nobody has said when the call ended", time.Time{}},
		"none, named":                 {claims(0), naming(real), "", real},
		"possible, but only claimed":  {claims(endedAt.Unix()), naming(real), "", real},
		"possible, nothing is named":  {claims(endedAt.Unix()), plain, "", endedAt},
		"the person names the future": {claims(1), naming(asked.Add(2 * time.Minute)), "ended_at: 2026-03-01T13:02:00Z is in the future", time.Time{}},
	} {
		t.Run("claimed "+name, func(t *testing.T) {
			e := newEnv(t)
			e.stages()
			e.fetches(activities.FetchRecordResult{}, errNever).Times(2)
			e.opensReview()
			first := e.decides(asked, tt.decision)
			if tt.refused != "" {
				e.decides(asked.Add(time.Minute), waive)
			}
			e.OnActivity("Charge", mock.Anything, mock.MatchedBy(func(p activities.ChargeParams) bool {
				return tt.refused != "" || (p.Record.EndedAt().Equal(tt.ended) && p.Decided.EndNamed == !tt.decision.EndedAt.IsZero())
			})).Return(charged(), nil).Once()
			p := params()
			claimed := record()
			tt.claim(&claimed)
			p.Callback = &claimed
			e.ExecuteWorkflow(workflows.AfterCallName, p)
			require.NoError(t, e.GetWorkflowError())
			if tt.refused == "" {
				require.NoError(t, first.err)
				return
			}
			require.True(t, first.rejected, "so that nothing of it is in the history")
			require.ErrorContains(t, first.err, tt.refused)
		})
	}
	t.Run("Tencent says when", func(t *testing.T) {
		e := newEnv(t)
		e.stages()
		e.fetches(found, nil).Times(3)
		e.charges(activities.ChargeResult{}, errReview).Once()
		e.opensReview()
		d := chargeAs
		d.EndedAt = real
		refused := e.decides(asked, d)
		e.charges(charged(), nil).Once()
		e.decides(asked.Add(time.Minute), chargeAs)
		_, err := e.run()
		require.NoError(t, err)
		require.ErrorContains(t, refused.err, "ended_at: Tencent says when the call ended: leave it out")
	})
	t.Run("Tencent says what cannot be", func(t *testing.T) {
		e := newEnv(t)
		e.stages()
		impossible := record()
		impossible.EndTime = 4102444800
		e.fetches(activities.FetchRecordResult{Record: impossible}, nil).Times(2)
		e.charges(activities.ChargeResult{}, errReview).Once()
		e.opensReview()
		d := chargeAs
		refused := e.decides(asked, d)
		d.EndedAt = real
		e.OnActivity("Charge", mock.Anything, mock.MatchedBy(func(p activities.ChargeParams) bool {
			return p.Record.EndedAt().Equal(real) && p.Record.Caller == record().Caller
		})).Return(charged(), nil).Once()
		decided := e.decides(asked.Add(time.Minute), d)
		_, err := e.run()
		require.NoError(t, err)
		require.ErrorContains(t, refused.err, "ended_at: is missing: the call cannot have ended at 2100-01-01 00:00:00 UTC")
		require.NoError(t, decided.err)
	})
	t.Run("nobody has said when", func(t *testing.T) {
		e := newEnv(t)
		e.stages()
		unreadable := record()
		unreadable.EndTime = 0
		e.fetches(activities.FetchRecordResult{}, errUnreadable(unreadable, "EndTime")).Times(2)
		e.opensReview()
		refused := e.decides(asked, chargeAs)
		d := chargeAs
		d.EndedAt = real
		e.OnActivity("Charge", mock.Anything, mock.MatchedBy(func(p activities.ChargeParams) bool {
			return p.Record.EndedAt().Equal(real)
		})).Return(charged(), nil).Once()
		decided := e.decides(asked.Add(time.Minute), d)
		p := params()
		p.Callback = nil
		e.ExecuteWorkflow(workflows.AfterCallName, p)
		require.NoError(t, e.GetWorkflowError())
		require.ErrorContains(t, refused.err, "ended_at: is missing: nobody has said when the call ended")
		require.NoError(t, decided.err)
	})
	t.Run("Tencent's time cannot be read", func(t *testing.T) {
		e := newEnv(t)
		e.stages()
		e.fetches(activities.FetchRecordResult{}, errUnreadable(record(), "EndTime")).Times(2)
		e.opensReview()
		d := chargeAs
		d.EndedAt = real
		e.OnActivity("Charge", mock.Anything, mock.MatchedBy(func(p activities.ChargeParams) bool {
			return p.Record.EndedAt().Equal(real)
		})).Return(charged(), nil).Once()
		decided := e.decides(asked, d)
		_, err := e.run()
		require.NoError(t, err)
		require.NoError(t, decided.err)
	})
}
