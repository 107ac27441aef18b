package billing_test

import (
	"slices"
	"strconv"
	"testing"
	"time"

	"aftercall/internal/billing"
	"aftercall/internal/tencent"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// pricedTariff charges rate a minute from each of the times.
func pricedTariff(t require.TestingT, currency, rate string, from ...time.Time) billing.Tariff {
	tariff := billing.Tariff{Currency: currency}
	for _, at := range from {
		tariff.Versions = append(tariff.Versions, billing.Version{EffectiveFrom: at, Rules: []billing.Rule{perMinute(t, rate, 60, 60)}})
	}
	return tariff
}

// endedAt is a call of a minute.
func endedAt(at time.Time) tencent.CallRecord {
	record := connected(60)
	record.EndTime = at.Unix()
	record.AcceptTime, record.StartTime = record.EndTime-60, record.EndTime-70
	return record
}

func TestAssignmentAtItsBoundaries(t *testing.T) {
	begin := time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)
	// In this night New York sets its clocks back: 01:30 is there twice.
	before, after := time.Date(2025, 11, 2, 5, 30, 0, 0, time.UTC), time.Date(2025, 11, 2, 6, 30, 0, 0, time.UTC)
	parsed := func(text string) time.Time {
		at, err := time.Parse(time.RFC3339, text)
		require.NoError(t, err)
		return at
	}
	late := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	tariffs := map[string]billing.Tariff{
		"a": pricedTariff(t, "USD", "1", begin), "b": pricedTariff(t, "JPY", "200", begin, late), "late": pricedTariff(t, "USD", "3", late),
	}
	for name, c := range map[string]struct {
		assigned billing.Assignments
		want     map[time.Time]string
	}{
		"name only": {billing.Assignments{{Name: "a"}}, map[time.Time]string{
			begin: "1.00 USD", begin.Add(-time.Second): "no version of tariff a was in force at 2024-12-31T23:59:59Z", late: "1.00 USD",
		}},
		"another currency": {billing.Assignments{{Name: "a"}, {Name: "b", EffectiveFrom: late}}, map[time.Time]string{
			late.Add(-time.Second): "1.00 USD", late: "200 JPY", late.Add(time.Second): "200 JPY",
		}},
		"there and back": {billing.Assignments{{Name: "a"}, {Name: "b", EffectiveFrom: before}, {Name: "a", EffectiveFrom: after}}, map[time.Time]string{
			before.Add(-time.Second): "1.00 USD", before: "200 JPY", after.Add(-time.Second): "200 JPY", after: "1.00 USD",
		}},
		"the hour that comes twice": {billing.Assignments{
			{Name: "b", EffectiveFrom: parsed("2025-11-02T01:30:00-04:00")}, {Name: "a", EffectiveFrom: parsed("2025-11-02T01:30:00-05:00")},
		}, map[time.Time]string{
			before.Add(-time.Second): "no tariff was assigned to the app at 2025-11-02T05:29:59Z", before: "200 JPY", after.Add(-time.Second): "200 JPY", after: "1.00 USD",
		}},
		"a tariff that begins later": {billing.Assignments{{Name: "a"}, {Name: "late", EffectiveFrom: after}}, map[time.Time]string{
			after.Add(-time.Second): "1.00 USD", after: "no version of tariff late was in force at 2025-11-02T06:30:00Z", late: "3.00 USD",
		}},
		"a tariff whose version never applies": {billing.Assignments{{Name: "late"}, {Name: "a", EffectiveFrom: after}}, map[time.Time]string{
			begin: "no version of tariff late was in force at 2025-01-01T00:00:00Z", after: "1.00 USD", late: "1.00 USD",
		}},
	} {
		require.Empty(t, c.assigned.Validate(), name)
		rater, err := billing.NewAssignedRater(c.assigned, tariffs)
		require.NoError(t, err, name)
		for at, want := range c.want {
			charge, err := rater.Rate(endedAt(at), readAt)
			if err != nil {
				require.EqualError(t, err, "needs review: "+want, name)
				continue
			}
			require.Equal(t, want, charge.Amount.String(), "%s at %s", name, at)
		}
	}
}

func TestAssignedRaterErrors(t *testing.T) {
	_, err := billing.NewAssignedRater(nil, nil)
	require.EqualError(t, err, "assigned tariffs: is empty: write the name of a tariff")
	_, err = billing.NewAssignedRater(billing.Assignments{{Name: "a"}, {Name: "a"}}, map[string]billing.Tariff{"a": {}})
	require.ErrorContains(t, err, "assigned tariffs: [1].effective_from: is missing, as in tariff[0]")
	require.ErrorContains(t, err, "tariff a: currency: is missing")
}

// TestWaiveWithoutAssignment: a person can waive a call that ended before the first
// assignment, or in a gap, and not charge it.
func TestWaiveWithoutAssignment(t *testing.T) {
	begin := time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)
	later := begin.AddDate(0, 1, 0)
	rater, err := billing.NewAssignedRater(
		billing.Assignments{{Name: "a", EffectiveFrom: begin}, {Name: "b", EffectiveFrom: begin.AddDate(0, 0, 1)}},
		map[string]billing.Tariff{"a": pricedTariff(t, "USD", "1", begin), "b": pricedTariff(t, "JPY", "1", later)},
	)
	require.NoError(t, err)
	for at, want := range map[time.Time][2]string{
		begin.Add(-time.Second): {"0.00 USD", "no tariff was assigned to the app"},
		later.Add(-time.Second): {"0 JPY", "no version of tariff b was in force"},
	} {
		charge, err := rater.Decide(endedAt(at), billing.Decision{Verdict: billing.VerdictWaive})
		require.NoError(t, err)
		require.Equal(t, want[0], charge.Amount.String())
		_, err = rater.Decide(endedAt(at), billing.Decision{Verdict: billing.VerdictChargeAs, ConnectedSeconds: 1, Exact: true})
		require.EqualError(t, err, "needs review: "+want[1]+" at the call's end: add one, or waive the call")
	}
	require.Equal(t, []billing.Gap{{To: begin}, {From: begin.AddDate(0, 0, 1), To: later, Tariff: "b"}}, rater.Gaps())
	require.Equal(t, "no tariff is assigned before 2025-01-01T00:00:00Z", rater.Gaps()[0].String())
	require.Equal(t, "no version of b is in force before 2025-02-01T00:00:00Z", rater.Gaps()[1].String())
}

// TestExactlyOneAssignment: whatever the order in the file, each moment since the
// first assignment has one tariff: that of the latest assignment that has begun.
func TestExactlyOneAssignment(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		base := time.Date(2025, 10, 26, 0, 0, 0, 0, time.UTC) // Europe sets its clocks back
		offsets := rapid.SliceOfNDistinct(rapid.Int64Range(0, 7200), 1, 12, rapid.ID[int64]).Draw(t, "begins")
		tariffs := map[string]billing.Tariff{}
		var assigned billing.Assignments
		for i, offset := range offsets {
			name := "t" + strconv.Itoa(i%4)
			zone := time.FixedZone("", rapid.SampledFrom([]int{0, 3600, 7200, -18000}).Draw(t, "zone"))
			tariffs[name] = pricedTariff(t, "USD", "1", base.AddDate(-1, 0, 0))
			assigned = append(assigned, billing.Assignment{Name: name, EffectiveFrom: base.Add(time.Duration(offset) * time.Second).In(zone)})
		}
		if rapid.Bool().Draw(t, "first without time") {
			assigned[slices.Index(offsets, slices.Min(offsets))].EffectiveFrom = time.Time{}
		}
		require.Empty(t, assigned.Validate())
		one, err := billing.NewAssignedRater(assigned, tariffs)
		require.NoError(t, err)
		other, err := billing.NewAssignedRater(rapid.Permutation(assigned).Draw(t, "order"), tariffs)
		require.NoError(t, err)
		at := base.Add(time.Duration(rapid.Int64Range(-10, 7210).Draw(t, "at")) * time.Second)
		var want billing.Assignment
		for _, a := range assigned {
			if !a.EffectiveFrom.After(at) && !a.EffectiveFrom.Before(want.EffectiveFrom) {
				want = a
			}
		}
		for _, rater := range []*billing.Rater{one, other} {
			name, from := rater.InForce(at)
			require.Equal(t, want.Name, name)
			require.Equal(t, want.Name == "", from.IsZero())
			charge, err := rater.Rate(endedAt(at), readAt)
			require.Equal(t, want.Name == "", err != nil)
			require.Equal(t, want.Name, charge.Tariff.Name)
		}
	})
}
