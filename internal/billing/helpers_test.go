package billing_test

import (
	"crypto/sha256"
	"encoding/hex"
	"testing"
	"time"

	"aftercall/internal/billing"
	"aftercall/internal/tencent"

	"github.com/stretchr/testify/require"
)

const (
	started  = int64(1_772_000_000)
	accepted = started + 12
)

var readAt = time.Unix(started+100*24*60*60, 0)

// dec is a price of a test.
func dec(t require.TestingT, text string) billing.Decimal {
	d, err := billing.ParseDecimal(text)
	require.NoError(t, err)
	return d
}

func capOf(t require.TestingT, text string) *billing.Decimal {
	d := dec(t, text)
	return &d
}

// perMinute is a rule that charges every call by the minute.
func perMinute(t require.TestingT, rate string, first, next int64) billing.Rule {
	return billing.Rule{RatePerMinute: dec(t, rate), FirstInterval: first, NextInterval: next}
}

// tariffOf is a US dollar tariff with one version, long in force.
func tariffOf(rules ...billing.Rule) billing.Tariff {
	return billing.Tariff{
		Currency: "USD",
		Versions: []billing.Version{{EffectiveFrom: time.Unix(1_700_000_000, 0), Rules: rules}},
	}
}

// connected is a one-to-one audio call of the given length.
func connected(seconds int64) tencent.CallRecord {
	return tencent.CallRecord{
		CallID: "055662e1-bc8a-469c-a334-1126c8c17d58", Caller: "10001",
		MediaType: tencent.MediaAudio, CallType: tencent.CallTypeSingle, Result: tencent.ResultNormalEnd,
		StartTime: started, AcceptTime: accepted, EndTime: accepted + seconds,
		Members: []string{"10001", "user2"}, RoomID: "roomid-1434", RoomIDType: 2,
	}
}

func rate(t *testing.T, record tencent.CallRecord, tariff billing.Tariff) billing.Charge {
	t.Helper()
	require.Empty(t, tariff.Validate())
	charge, err := billing.Rate(record, "standard", tariff, readAt)
	require.NoError(t, err)
	return charge
}

func kinds(c billing.Charge) []billing.StepKind {
	var all []billing.StepKind
	for _, s := range c.Steps {
		all = append(all, s.Kind)
	}
	return all
}

func sha256Hex(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}
