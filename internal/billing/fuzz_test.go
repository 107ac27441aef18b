package billing_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"math/big"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/stretchr/testify/require"

	"aftercall/internal/attendance"
	"aftercall/internal/billing"
	"aftercall/internal/tencent"
)

// maxFuzzTariff keeps out files that only take long. The size of a configuration is
// limited, too.
const maxFuzzTariff = 8 << 10

// FuzzTariff: a tariff has problems that say where they are, or charges every kind of
// connected call: with the digits of its currency, without a float anywhere, and the
// same again from what the ledger stores.
func FuzzTariff(f *testing.F) {
	f.Add([]byte(tariffYAML), int64(45), "10001,user2")
	f.Add([]byte(minutesYAML), int64(45), "10001,user2,user3")
	f.Fuzz(func(t *testing.T, text []byte, seconds int64, members string) {
		// internal/config refuses anchors, aliases and tags, of which some make the library panic.
		if len(text) > maxFuzzTariff || bytes.ContainsAny(text, "&*!") {
			return
		}
		var tariff billing.Tariff
		if yaml.UnmarshalWithOptions(text, &tariff, yaml.Strict()) != nil {
			return
		}
		problems := tariff.Validate()
		for _, p := range problems {
			require.NotEmpty(t, p.Message)
			require.NotContains(t, p.String(), "%!")
		}
		rater, err := billing.NewRater("standard", tariff)
		require.Equal(t, len(problems) == 0, err == nil)
		if err != nil {
			return
		}
		for _, media := range tencent.MediaTypes {
			for _, callType := range []tencent.CallType{tencent.CallTypeSingle, tencent.CallTypeMulti} {
				for _, result := range []tencent.CallResult{tencent.ResultNormalEnd, tencent.ResultInterrupt, tencent.ResultOffline} {
					for _, length := range []int64{0, 1, 60, 61, seconds} {
						record := connected(length)
						record.MediaType, record.CallType, record.Result = media, callType, result
						record.Members = strings.Split(members, ",")
						requireCharge(t, rater, record, tariff.ChargeDigits())
						requireCharge(t, rater, record, tariff.ChargeDigits(), seenOf(record.Members, length)...)
					}
				}
			}
		}
	})
}

var plainAmount = regexp.MustCompile(`^[0-9]+(\.[0-9]+)?$`)

// seenOf are a joining of each member, and a leaving of every second one.
func seenOf(members []string, seconds int64) []attendance.Event {
	var seen []attendance.Event
	for i, user := range members {
		seen = append(seen, attendance.Event{Source: attendance.SourceRoom, User: user, Kind: attendance.Joined, At: time.Unix(accepted, 500_000_000)})
		if i%2 == 0 {
			seen = append(seen, attendance.Event{Source: attendance.SourceRoom, User: user, Kind: attendance.Left, At: time.Unix(accepted+seconds/2, 0)})
		}
	}
	return seen
}

func requireCharge(t *testing.T, rater *billing.Rater, record tencent.CallRecord, digits int, seen ...attendance.Event) {
	t.Helper()
	charge, err := rater.Rate(record, readAt, seen...)
	if err != nil {
		var review *billing.ReviewError
		require.True(t, errors.As(err, &review), "%v", err)
		require.NotEmpty(t, review.Reasons)
		for _, reason := range review.Reasons {
			require.NotEqual(t, billing.ReasonNoRule, reason.Code, "a valid tariff has a rule for every kind of connected call")
		}
		return
	}
	amount := charge.Amount.Number()
	require.Regexp(t, plainAmount, amount)
	_, fraction, _ := strings.Cut(amount, ".")
	require.Len(t, fraction, digits)
	last := charge.Steps[len(charge.Steps)-1].Amount
	if last != "" {
		want, ok := new(big.Rat).SetString(last)
		require.True(t, ok, last)
		got, ok := new(big.Rat).SetString(amount)
		require.True(t, ok)
		require.Zero(t, want.Cmp(got), "the last step is %s, and the amount %s", last, amount)
	}
	encoded, err := json.Marshal(charge)
	require.NoError(t, err)
	requireNoFloat(t, encoded)
	restored, err := charge.Tariff.Restore()
	require.NoError(t, err)
	again, err := restored.Rate(record, readAt, charge.Evidence...)
	require.NoError(t, err)
	require.True(t, charge.SameSum(again), "%+v\n%+v", charge, again)
}

// requireNoFloat requires that every number of JSON is a whole one.
func requireNoFloat(t *testing.T, encoded []byte) {
	t.Helper()
	decoder := json.NewDecoder(bytes.NewReader(encoded))
	decoder.UseNumber()
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			return
		}
		require.NoError(t, err)
		if number, ok := token.(json.Number); ok {
			_, err := number.Int64()
			require.NoError(t, err, "a float: %s", encoded)
		}
	}
}
