package workflows_test

import (
	"testing"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"

	"aftercall/activities"
	"aftercall/workflows"
)

// TestMembersTravelOnce: the charge of a call with very many members leaves them to
// the record.
func TestMembersTravelOnce(t *testing.T) {
	e := newEnv(t)
	first := record()
	first.CallType, first.MembersTotal = "MultiCall", 45_000
	e.fetches(activities.FetchRecordResult{Record: first}, nil).Once()
	charge := charged("crm")
	charge.MembersLeftOut, charge.Event.Call.MembersTotal = true, 45_000
	e.charges(charge, nil).Once()
	e.OnActivity("Notify", mock.Anything, mock.MatchedBy(func(p activities.NotifyParams) bool {
		return len(p.Event.Call.Members) == 2 && p.Event.Call.MembersTotal == 45_000
	})).Return(nil).Once()
	_, err := e.run()
	require.NoError(t, err)
	require.Contains(t, e.page(), "group of 45000")
	require.Contains(t, e.page(), "| Members | 45000, too many for an event: events have the first 2, the ledger has all |")

	hint := first
	hint.Members, hint.MembersTotal = make([]string, 45_000), 0
	for i := range hint.Members {
		hint.Members[i] = "account"
	}
	short := workflows.AfterCallParams{Callback: &hint, Listed: &hint}.Shortened()
	require.Less(t, len(short.Callback.Members), 1000)
	require.Equal(t, 45_000, short.Listed.MembersTotal)
	require.Len(t, hint.Members, 45_000, "the hint itself is unchanged")
}
