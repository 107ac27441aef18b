package billing_test

import (
	"testing"
	"time"

	"aftercall/internal/billing"
	"aftercall/internal/tencent"

	"github.com/stretchr/testify/require"
)

// requireReasons rates a record that must not be charged.
func requireReasons(t *testing.T, record tencent.CallRecord, tariff billing.Tariff, want ...billing.ReasonCode) {
	t.Helper()
	require.Empty(t, tariff.Validate())
	charge, err := billing.Rate(record, "standard", tariff, readAt)
	var review *billing.ReviewError
	require.ErrorAs(t, err, &review)
	require.Zero(t, charge)
	var codes []billing.ReasonCode
	for _, r := range review.Reasons {
		codes = append(codes, r.Code)
		require.Contains(t, err.Error(), r.Text)
		require.NotContains(t, r.Text, connected(0).Caller)
	}
	require.Equal(t, want, codes)
}

func TestGuard(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*tencent.CallRecord)
		want   []billing.ReasonCode
	}{
		"accepted before it started": {func(r *tencent.CallRecord) { r.StartTime = r.AcceptTime + 1 }, []billing.ReasonCode{billing.ReasonImpossibleTimes}},
		"accepted after its end":     {func(r *tencent.CallRecord) { r.EndTime = r.AcceptTime - 1 }, []billing.ReasonCode{billing.ReasonImpossibleTimes}},
		"ended before it started": {
			func(r *tencent.CallRecord) {
				r.AcceptTime, r.EndTime, r.Result = 0, r.StartTime-1, tencent.ResultCancel
			},
			[]billing.ReasonCode{billing.ReasonImpossibleTimes},
		},
		"negative":           {func(r *tencent.CallRecord) { r.AcceptTime, r.Result = -1, tencent.ResultCancel }, []billing.ReasonCode{billing.ReasonImpossibleTimes}},
		"no end":             {func(r *tencent.CallRecord) { r.EndTime = 0 }, []billing.ReasonCode{billing.ReasonNotEnded}},
		"ends in the future": {func(r *tencent.CallRecord) { r.EndTime = readAt.Unix() + 61; r.AcceptTime = r.EndTime - 5 }, []billing.ReasonCode{billing.ReasonNotEnded}},
		"times in milliseconds": {func(r *tencent.CallRecord) {
			r.StartTime, r.AcceptTime, r.EndTime = r.StartTime*1000, r.AcceptTime*1000, r.AcceptTime*1000+5
		}, []billing.ReasonCode{billing.ReasonNotEnded}},
		"negative start": {func(r *tencent.CallRecord) { r.StartTime = -1 }, []billing.ReasonCode{billing.ReasonImpossibleTimes}},
		"negative end": {
			func(r *tencent.CallRecord) {
				r.StartTime, r.AcceptTime, r.EndTime, r.Result = -2, 0, -1, tencent.ResultCancel
			},
			[]billing.ReasonCode{billing.ReasonImpossibleTimes},
		},
		"normal without accept":   {func(r *tencent.CallRecord) { r.AcceptTime = 0 }, []billing.ReasonCode{billing.ReasonNoAcceptTime}},
		"unknown result":          {func(r *tencent.CallRecord) { r.Result = "Vanished" }, []billing.ReasonCode{billing.ReasonUnknownResult}},
		"unknown, not connected":  {func(r *tencent.CallRecord) { r.Result, r.AcceptTime = "Vanished", 0 }, []billing.ReasonCode{billing.ReasonUnknownResult}},
		"unknown media":           {func(r *tencent.CallRecord) { r.MediaType = "Hologram" }, []billing.ReasonCode{billing.ReasonUnknownMedia}},
		"unknown call type":       {func(r *tencent.CallRecord) { r.CallType = "" }, []billing.ReasonCode{billing.ReasonUnknownCallType}},
		"longer than the maximum": {func(r *tencent.CallRecord) { r.EndTime = r.AcceptTime + 86401 }, []billing.ReasonCode{billing.ReasonTooLong}},
		"a result that contradicts AcceptTime": {
			func(r *tencent.CallRecord) { r.Result = tencent.ResultCancel }, []billing.ReasonCode{billing.ReasonNoRule},
		},
		"before every version": {
			func(r *tencent.CallRecord) { r.StartTime, r.AcceptTime, r.EndTime = 1, 2, 3 }, []billing.ReasonCode{billing.ReasonNoVersion},
		},
		"nobody to charge": {func(r *tencent.CallRecord) { r.Caller = "" }, []billing.ReasonCode{billing.ReasonNoPayer}},
		"every reason": {
			func(r *tencent.CallRecord) { r.MediaType, r.Result, r.EndTime = "x", "y", r.AcceptTime+86401 },
			[]billing.ReasonCode{billing.ReasonUnknownResult, billing.ReasonUnknownMedia, billing.ReasonTooLong},
		},
	} {
		t.Run(name, func(t *testing.T) {
			record := connected(61)
			c.change(&record)
			requireReasons(t, record, tariffOf(perMinute(t, "0.05", 60, 60)), c.want...)
		})
	}
}

func TestGuardAllows(t *testing.T) {
	tariff := tariffOf(perMinute(t, "0.05", 60, 60))
	for name, change := range map[string]func(*tencent.CallRecord){
		"exactly the longest call":    func(r *tencent.CallRecord) { r.EndTime = r.AcceptTime + 86400 },
		"no member but the caller":    func(r *tencent.CallRecord) { r.Members = []string{r.Caller} },
		"no members":                  func(r *tencent.CallRecord) { r.Members = nil },
		"accepted at once":            func(r *tencent.CallRecord) { r.StartTime = r.AcceptTime },
		"clocks that differ a little": func(r *tencent.CallRecord) { r.EndTime = readAt.Unix() + 60; r.AcceptTime = r.EndTime - 5 },
	} {
		t.Run(name, func(t *testing.T) {
			record := connected(61)
			change(&record)
			require.False(t, rate(t, record, tariff).Free())
		})
	}
}

func TestSampleOfTheDocumentationIsReviewed(t *testing.T) {
	record := connected(0)
	record.StartTime, record.AcceptTime, record.EndTime = 1739868165, 1739872743, 1740064224
	requireReasons(t, record, tariffOf(perMinute(t, "0.05", 60, 60)), billing.ReasonTooLong)
}

func TestRuleMayNameAnUnconnectedResult(t *testing.T) {
	cancelled := perMinute(t, "0.05", 60, 60)
	cancelled.Results = []tencent.CallResult{tencent.ResultCancel}
	tariff := tariffOf(perMinute(t, "1", 60, 60), cancelled)
	record := connected(60)
	record.Result = tencent.ResultCancel
	require.Equal(t, "0.05", rate(t, record, tariff).Amount.Number())
}

func TestRateRefusesAnInvalidTariff(t *testing.T) {
	_, err := billing.Rate(connected(1), "broken", billing.Tariff{Currency: "XXXX"}, time.Now())
	require.ErrorContains(t, err, "tariff broken: currency")
	require.ErrorContains(t, err, "tariff broken: versions")
}

func TestGuardAllowsFreeCalls(t *testing.T) {
	free := billing.Rule{Action: billing.ActionFree, Per: billing.PerParticipant}
	for name, c := range map[string]struct {
		change func(*tencent.CallRecord)
		tariff billing.Tariff
	}{
		"accepted and ended in the same second": {func(r *tencent.CallRecord) { r.EndTime = r.AcceptTime }, tariffOf(perMinute(t, "0.05", 60, 60))},
		"canceled in the second it started": {
			func(r *tencent.CallRecord) {
				r.AcceptTime, r.EndTime, r.Result = 0, r.StartTime, tencent.ResultCancel
			}, tariffOf(perMinute(t, "0.05", 60, 60)),
		},
		"free per participant without participants": {func(r *tencent.CallRecord) { r.Members = nil }, tariffOf(free)},
		"free without a caller":                     {func(r *tencent.CallRecord) { r.Caller = "" }, tariffOf(free)},
		"not connected, without a caller": {
			func(r *tencent.CallRecord) { r.AcceptTime, r.Result, r.Caller = 0, tencent.ResultCancel, "" }, tariffOf(perMinute(t, "0.05", 60, 60)),
		},
	} {
		t.Run(name, func(t *testing.T) {
			record := connected(61)
			c.change(&record)
			require.True(t, rate(t, record, c.tariff).Free())
		})
	}
}
