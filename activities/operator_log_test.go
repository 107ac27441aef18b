package activities

import (
	"context"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"

	"aftercall/internal/ledger"
	"aftercall/internal/tencent"
)

// TestWaitForAnOperatorIsLogged: arrears are logged once in a while, however many
// calls wait, and another reason at once.
func TestWaitForAnOperatorIsLogged(t *testing.T) {
	f := newFixture(t)
	f.env.RegisterActivityWithOptions(f.acts.FetchRecord, activity.RegisterOptions{Name: "FetchRecord"})
	now := f.acts.now()
	f.acts.now = func() time.Time { return now }
	const waits = "calls wait for an operator"
	request := 0
	fetch := func(code tencent.Code) int {
		t.Helper()
		before := f.logs.Count(waits)
		for range 5 {
			request++
			f.fake.err = &tencent.APIError{Code: code, Info: "arrears", RequestID: strconv.Itoa(request)}
			_, err := f.env.ExecuteActivity("FetchRecord", FetchRecordParams{SDKAppID: clinic, CallID: "call-1"})
			require.Error(t, err)
		}
		return f.logs.Count(waits) - before
	}
	require.Equal(t, 1, fetch(60020))
	require.Contains(t, f.logs.String(), "of=clinic type=RecordAPIRefused")
	require.Equal(t, 0, fetch(60020))
	require.Equal(t, 1, fetch(70009), "another reason")
	require.Equal(t, 0, fetch(tencent.CodeInternal), "nobody must act")
	now = now.Add(operatorLogPeriod)
	require.Equal(t, 1, fetch(60020))
}

// TestLackOfConfigurationIsLogged: an app or a target that the worker's configuration
// lacks is waited for like arrears.
func TestLackOfConfigurationIsLogged(t *testing.T) {
	f := newFixture(t)
	f.env.RegisterActivityWithOptions(f.acts.FetchRecord, activity.RegisterOptions{Name: "FetchRecord"})
	f.env.RegisterActivityWithOptions(f.acts.Notify, activity.RegisterOptions{Name: "Notify"})
	for range 5 {
		_, err := f.env.ExecuteActivity("FetchRecord", FetchRecordParams{SDKAppID: clinic + 1, CallID: "call-1"})
		require.Error(t, err)
		_, err = f.env.ExecuteActivity("Notify", NotifyParams{Target: "erp", Since: f.acts.now()})
		require.Error(t, err)
	}
	require.Equal(t, 2, f.logs.Count("calls wait for an operator: correct this worker's configuration"))
	require.Contains(t, f.logs.String(), "type=AppNotConfigured")
	require.Contains(t, f.logs.String(), "of=erp type=TargetNotConfigured")
}

// editedLedger has charges by other prices than those of the worker.
type editedLedger struct{ Ledger }

func (editedLedger) Charge(context.Context, ledger.Entry) (ledger.Entry, bool, error) {
	return ledger.Entry{}, false, &ledger.EditedError{Edited: []ledger.EditedTariff{{}}}
}

// TestEditedTariffIsLogged: that the ledger is up does not help such a worker.
func TestEditedTariffIsLogged(t *testing.T) {
	f := newFixture(t)
	f.acts.ledger = editedLedger{f.acts.ledger}
	for range 3 {
		_, err := f.charge(params("run-1"))
		require.Equal(t, TariffEdited, errorType(err))
		require.True(t, Retryable(err))
	}
	require.Equal(t, 1, f.logs.Count("calls wait for an operator: correct the tariff in this worker's configuration"))
}

// TestReasonsAreForgottenWhenThereAreTooMany, and not before.
func TestReasonsAreForgottenWhenThereAreTooMany(t *testing.T) {
	var l operatorLog
	reason := func(i int) operatorReason { return operatorReason{who: strconv.Itoa(i)} }
	for i := range maxOperatorReasons {
		require.True(t, l.admit(endedAt, reason(i)))
	}
	require.False(t, l.admit(endedAt, reason(0)))
	require.Len(t, l.logged, maxOperatorReasons)
	require.True(t, l.admit(endedAt, reason(maxOperatorReasons)))
	require.Len(t, l.logged, 1)
}
