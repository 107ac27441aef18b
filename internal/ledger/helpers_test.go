package ledger_test

import (
	"context"
	"testing"
	"time"

	"aftercall/internal/billing"
	"aftercall/internal/ledger"
	"aftercall/internal/tencent"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	testApp = tencent.SDKAppID(1400000000)
	ended   = int64(1_772_000_000)
)

func open(t testing.TB, url string) *ledger.Ledger {
	t.Helper()
	l, err := ledger.Open(context.Background(), url, ledger.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, l.Close()) })
	return l
}

// tariffAt is a tariff with the rate per minute.
func tariffAt(t testing.TB, rate string) billing.Tariff {
	t.Helper()
	price, err := billing.ParseDecimal(rate)
	require.NoError(t, err)
	return billing.Tariff{Currency: "USD", Versions: []billing.Version{{
		EffectiveFrom: time.Unix(1_700_000_000, 0),
		Rules:         []billing.Rule{{RatePerMinute: price, FirstInterval: 60, NextInterval: 60}},
	}}}
}

// entry is a charge of a call of 61 seconds at the rate per minute.
func entry(t testing.TB, callID, firstRun, rate string) ledger.Entry {
	t.Helper()
	record := tencent.CallRecord{
		CallID: callID, Caller: "10001", MediaType: tencent.MediaAudio, CallType: tencent.CallTypeSingle,
		Result: tencent.ResultNormalEnd, StartTime: ended - 73, AcceptTime: ended - 61, EndTime: ended,
		Members: []string{"10001", "user2"}, RoomID: "roomid-1434", RoomIDType: 2,
	}
	charge, err := billing.Rate(record, "standard", tariffAt(t, rate), time.Unix(ended+6, 0))
	require.NoError(t, err)
	return ledger.Entry{
		SDKAppID: testApp, App: "clinic", Record: record, Charge: charge,
		Differences: []tencent.Difference{{Field: "EndTime", Callback: "1", Record: "2"}},
		WorkflowID:  "call:1400000000:" + callID, FirstRunID: firstRun,
	}
}

func charge(t testing.TB, l *ledger.Ledger, e ledger.Entry) ledger.Entry {
	t.Helper()
	stored, inserted, err := l.Charge(context.Background(), e)
	require.NoError(t, err)
	require.True(t, inserted)
	return stored
}

func rate(t testing.TB, record tencent.CallRecord, tariff billing.Tariff) billing.Charge {
	t.Helper()
	c, err := billing.Rate(record, "standard", tariff, time.Unix(ended+6, 0))
	require.NoError(t, err)
	return c
}
