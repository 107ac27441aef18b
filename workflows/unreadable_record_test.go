package workflows_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"

	"aftercall/activities"
	"aftercall/internal/billing"
	"aftercall/internal/tencent"
	"aftercall/workflows"
)

const rawRecord = `{"CallId":"call-1","Caller_Account":{"id":"patient-1001"}}`

// errUnreadable is the failure of reading a record of which the fields could not
// be read.
func errUnreadable(record tencent.CallRecord, fields ...string) error {
	var problems []tencent.FieldError
	for _, field := range fields {
		problems = append(problems, tencent.FieldError{Field: field, Problem: "must be something else"})
	}
	return temporal.NewNonRetryableApplicationError("the record cannot be read: "+tencent.DescribeProblems(problems), activities.RecordUnreadable, nil,
		activities.UnreadableRecord{Record: record, Problems: problems, Raw: rawRecord})
}

func TestUnreadableRecordIsReviewed(t *testing.T) {
	partial := record()
	partial.Caller, partial.EndTime, partial.Members = "", 0, []string{"doctor-17"}
	e := newEnv(t)
	stages := e.stages()
	e.fetches(activities.FetchRecordResult{}, errUnreadable(partial, "Caller_Account", "EndTime", "CalleeList_Account[0]")).Times(3)
	e.opensReview()
	day := endedAt.Add(24 * time.Hour)
	refused := e.decides(day, confirm)
	e.OnActivity("Charge", mock.Anything, mock.MatchedBy(func(p activities.ChargeParams) bool {
		return p.Decided != nil && p.Decided.Verdict == billing.VerdictChargeAs && !p.Decided.Unconfirmed
	})).Return(func(_ context.Context, p activities.ChargeParams) (activities.ChargeResult, error) {
		want := record()
		want.Caller, want.Members = "patient-7", []string{"doctor-17"}
		require.Equal(t, want, p.Record, "what could not be read is that of the hint, except for the payer")
		return charged(), nil
	}).Once()
	e.RegisterDelayedCallback(func() {
		status := e.status()
		require.Equal(t, workflows.StageReview, status.Stage)
		require.False(t, status.Review.NoRecord)
		require.Equal(t, rawRecord, status.Review.Raw)
		require.Len(t, status.Review.Unreadable, 3)
		require.Contains(t, status.Review.Reason, "Caller_Account: must be something else")
		require.Contains(t, status.Record.Summary, "one to one")
	}, 24*time.Hour-time.Second)
	named := chargeAs
	named.Payer = "patient-7"
	decided := e.decides(day.Add(time.Hour), named)
	_, err := e.run()
	require.NoError(t, err)
	require.NoError(t, decided.err)
	require.ErrorContains(t, refused.err, "Caller_Account, EndTime, CalleeList_Account could not be read: use charge-as or waive")
	require.Equal(t, []string{"waiting", "review", "done"}, *stages)
}

func TestChargingARecordWhoseOtherFieldsCouldNotBeRead(t *testing.T) {
	tests := map[string]struct {
		fields  []string
		media   tencent.MediaType
		typ     tencent.CallType
		charges bool
	}{
		"room and start":       {[]string{"RoomId", "RoomIdType", "StartTime"}, "", "", true},
		"media that is named":  {[]string{"MediaType"}, tencent.MediaVideo, "", true},
		"media":                {[]string{"MediaType"}, "", tencent.CallTypeMulti, false},
		"type that is named":   {[]string{"CallType"}, "", tencent.CallTypeMulti, true},
		"type":                 {[]string{"CallType"}, tencent.MediaVideo, "", false},
		"result":               {[]string{"CallResult"}, "", "", false},
		"record of other call": {[]string{"CallId"}, "", "", false},
		"no record at all":     {[]string{"Response"}, "", "", false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			e := newEnv(t)
			e.stages()
			e.fetches(activities.FetchRecordResult{}, errUnreadable(record(), tt.fields...))
			e.opensReview()
			e.OnActivity("Charge", mock.Anything, mock.Anything).Return(charged(), nil).Once()
			decision := confirm
			decision.MediaType, decision.CallType = tt.media, tt.typ
			d := e.decides(endedAt.Add(time.Hour), decision)
			if !tt.charges {
				e.decides(endedAt.Add(2*time.Hour), waive)
			}
			_, err := e.run()
			require.NoError(t, err)
			require.Equal(t, tt.charges, d.err == nil, "%v", d.err)
		})
	}
}

// TestUnreadableRecordWithoutHint is of a call that is known by its CallId only.
func TestUnreadableRecordWithoutHint(t *testing.T) {
	e := newEnv(t)
	e.stages()
	e.fetches(activities.FetchRecordResult{}, errUnreadable(tencent.CallRecord{CallID: "call-1"}, "Response")).Twice()
	e.opensReview()
	e.OnActivity("Charge", mock.Anything, mock.Anything).Return(func(_ context.Context, p activities.ChargeParams) (activities.ChargeResult, error) {
		require.Equal(t, "call-1", p.Record.CallID)
		require.Equal(t, endedAt.Unix(), p.Record.EndTime, "the time of the review, so that the waived call has a month")
		return charged(), nil
	}).Once()
	d := e.decides(endedAt.Add(time.Hour), waive)
	p := params()
	p.Callback = nil
	e.ExecuteWorkflow(workflows.AfterCallName, p)
	require.NoError(t, e.GetWorkflowError())
	require.NoError(t, d.err)
}

// TestUnreadableMembers are those of the hint only where nothing of them could be
// read and the hint has some.
func TestUnreadableMembers(t *testing.T) {
	for name, tt := range map[string]struct{ read, hint, want []string }{
		"nothing was read": {nil, []string{"patient-1001", "doctor-17"}, []string{"doctor-17"}},
		"some were read":   {[]string{"doctor-3"}, nil, []string{"doctor-3"}},
	} {
		t.Run(name, func(t *testing.T) {
			partial := record()
			partial.Members = tt.read
			e := newEnv(t)
			e.stages()
			e.fetches(activities.FetchRecordResult{}, errUnreadable(partial, "CalleeList_Account"))
			e.opensReview()
			e.OnActivity("Charge", mock.Anything, mock.MatchedBy(func(p activities.ChargeParams) bool {
				return slices.Equal(tt.want, p.Record.Members)
			})).Return(charged(), nil).Once()
			d := e.decides(endedAt.Add(time.Hour), chargeAs)
			p := params()
			p.Callback.Members = tt.hint
			e.ExecuteWorkflow(workflows.AfterCallName, p)
			require.NoError(t, e.GetWorkflowError())
			require.NoError(t, d.err)
		})
	}
}

// TestUnreadableRecordThatIsReadAgain has one of which more can be read by the time
// of the decision.
func TestUnreadableRecordThatIsReadAgain(t *testing.T) {
	e := newEnv(t)
	e.stages()
	e.fetches(activities.FetchRecordResult{}, errUnreadable(record(), "AcceptTime")).Once()
	e.fetches(activities.FetchRecordResult{}, errUnreadable(record(), "RoomId")).Once()
	e.opensReview()
	e.charges(charged(), nil).Once()
	d := e.decides(endedAt.Add(time.Hour), confirm)
	_, err := e.run()
	require.NoError(t, err)
	require.NoError(t, d.err, "a charge does not need the room")
}

// TestRecordThatCannotBeReadAnyMore: what was read before is what a person has seen.
func TestRecordThatCannotBeReadAnyMore(t *testing.T) {
	e := newEnv(t)
	e.stages()
	e.fetches(found, nil).Once()
	e.fetches(activities.FetchRecordResult{}, errUnreadable(tencent.CallRecord{}, "CallRecord")).Once()
	e.charges(activities.ChargeResult{}, errReview).Once()
	e.opensReview()
	e.OnActivity("Charge", mock.Anything, mock.MatchedBy(func(p activities.ChargeParams) bool { return p.Record.Equal(record()) })).Return(charged(), nil).Once()
	d := e.decides(endedAt.Add(time.Hour), confirm)
	_, err := e.run()
	require.NoError(t, err)
	require.NoError(t, d.err)
}

// TestUnreadableRecordThatAppearedLate holds a review for lack of a record, whose
// record can be read only in part when a person decides.
func TestUnreadableRecordThatAppearedLate(t *testing.T) {
	e := newEnv(t)
	e.stages()
	e.fetches(activities.FetchRecordResult{}, errNever).Once()
	e.fetches(activities.FetchRecordResult{}, errUnreadable(record(), "AcceptTime")).Twice()
	e.opensReview()
	e.OnActivity("Charge", mock.Anything, mock.Anything).Return(charged(), nil).Once()
	refused := e.decides(endedAt.Add(time.Hour), confirm)
	decided := e.decides(endedAt.Add(2*time.Hour), chargeAs)
	_, err := e.run()
	require.NoError(t, err)
	require.NoError(t, decided.err)
	var appErr *temporal.ApplicationError
	require.True(t, errors.As(refused.err, &appErr))
	require.Contains(t, appErr.Message(), "cannot be read completely: decide again: the record cannot be read: AcceptTime")
}
