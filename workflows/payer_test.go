package workflows_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"

	"aftercall/activities"
	"aftercall/internal/billing"
)

// errNoPayer is a review because the rule of the app does not say who pays.
func errNoPayer(codes ...billing.ReasonCode) error {
	return temporal.NewNonRetryableApplicationError("needs review: nobody was seen to open the room", activities.NeedsReview, nil,
		activities.ReviewDetails{Reasons: append(codes, billing.ReasonNoPayer)})
}

// chargesTo expects a decision by which an account pays that is not the record's caller.
func (e *env) chargesTo(payer string) {
	e.OnActivity("Charge", mock.Anything, mock.MatchedBy(func(p activities.ChargeParams) bool {
		return p.Decided != nil && p.Decided.Payer == payer && p.Decided.PayerNamed == (payer != "") && p.Record.Caller == record().Caller
	})).Return(charged(), nil).Once()
}

// TestAPersonNamesThePayer where the record names the caller, but the rule of the app does
// not say who pays.
func TestAPersonNamesThePayer(t *testing.T) {
	named := confirm
	named.Payer = "clinic-1"
	t.Run("the record lacks it", func(t *testing.T) {
		e := newEnv(t)
		e.stages()
		e.fetches(found, nil)
		e.charges(activities.ChargeResult{}, errNoPayer(billing.ReasonTooLong)).Once()
		e.opensReview()
		e.chargesTo("clinic-1")
		d := e.decides(endedAt.Add(time.Hour), named)
		_, err := e.run()
		require.NoError(t, err)
		require.NoError(t, d.err)
	})
	t.Run("a decision shows it", func(t *testing.T) {
		e := newEnv(t)
		e.stages()
		e.fetches(found, nil)
		e.charges(activities.ChargeResult{}, errReview).Once()
		e.opensReview()
		early := e.decides(endedAt.Add(time.Hour), named)
		e.charges(activities.ChargeResult{}, errNoPayer()).Once()
		first := e.decides(endedAt.Add(2*time.Hour), confirm)
		e.chargesTo("clinic-1")
		second := e.decides(endedAt.Add(3*time.Hour), named)
		_, err := e.run()
		require.NoError(t, err)
		require.ErrorContains(t, early.err, "payer: Tencent's record names the payer: leave it out")
		require.ErrorContains(t, first.err, "nobody was seen to open the room")
		require.NoError(t, second.err)
	})
	t.Run("the caller pays", func(t *testing.T) {
		e := newEnv(t)
		e.stages()
		e.fetches(found, nil)
		e.charges(activities.ChargeResult{}, errNoPayer()).Once()
		e.opensReview()
		e.OnActivity("Charge", mock.Anything, mock.MatchedBy(func(p activities.ChargeParams) bool {
			return p.Decided.Payer == "" && p.Decided.PayerNamed && p.Record.Caller == record().Caller
		})).Return(charged(), nil).Once()
		caller := confirm
		caller.Payer = record().Caller
		d := e.decides(endedAt.Add(time.Hour), caller)
		_, err := e.run()
		require.NoError(t, err)
		require.NoError(t, d.err)
	})
}
