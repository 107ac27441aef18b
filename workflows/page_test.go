package workflows_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"

	"aftercall/activities"
	"aftercall/internal/tencent"
	"aftercall/workflows"
)

func TestDurationsOnThePage(t *testing.T) {
	for seconds, want := range map[int64]string{
		0: "0:00", 9: "0:09", 61: "1:01", 3599: "59:59", 3600: "1:00:00", 3661: "1:01:01", 90061: "25:01:01",
	} {
		e := newEnv(t)
		e.fetches(found, nil).Once()
		charge := charged()
		charge.Event.Call.BilledSeconds = seconds
		e.charges(charge, nil).Once()
		_, err := e.run()
		require.NoError(t, err)
		require.Contains(t, e.page(), " for "+want+", connected 2:10 |")
	}
}

// TestDifferencesOnThePage: there is a row for each kind of difference, if there
// is one.
func TestDifferencesOnThePage(t *testing.T) {
	for name, different := range map[string]bool{"none": false, "both": true} {
		t.Run(name, func(t *testing.T) {
			e := newEnv(t)
			e.fetches(found, nil).Once()
			charge := charged()
			if different {
				charge.Differences = []tencent.Difference{{Field: "AcceptTime"}, {Field: "EndTime"}}
				charge.Recomputed = "0.70 USD"
			}
			e.charges(charge, nil).Once()
			_, err := e.run()
			require.NoError(t, err)
			if different {
				require.Contains(t, e.page(), "| Callback differed in | AcceptTime, EndTime |")
				require.Contains(t, e.page(), "| Would be now | **0.70 USD**")
				return
			}
			require.NotContains(t, e.page(), "Callback differed in")
			require.NotContains(t, e.page(), "Would be now")
		})
	}
}

// TestForeignTextOnThePage: what a person or a server wrote is shown as it is, and
// puts no link, image or HTML on the page.
func TestForeignTextOnThePage(t *testing.T) {
	const written = "![x](https://example.com/x.png) <img> [a](b) `code` **bold** _a_ ~~b~~ &lt; \\ a|b"
	const shown = "!\\[x\\](https://example.com/x.png) \\<img\\> \\[a\\](b) \\`code\\` \\*\\*bold\\*\\* \\_a\\_ \\~\\~b\\~\\~ \\&lt; \\\\ a\\|b"
	e := newEnv(t)
	e.stages()
	e.fetches(found, nil)
	e.charges(activities.ChargeResult{}, temporal.NewNonRetryableApplicationError(written, activities.NeedsReview, nil)).Once()
	e.opensReview()
	e.charges(charged(), nil).Once()
	e.RegisterDelayedCallback(func() { require.Contains(t, e.page(), shown) }, time.Minute)
	decision := waive
	decision.Reason = written
	e.decides(endedAt.Add(time.Hour), decision)
	_, err := e.run()
	require.NoError(t, err)
	require.Contains(t, e.page(), "by "+waive.By+": "+shown)
}

// TestStageWhileCharging: a call is in the stage charge while its first attempt
// runs, and stays in review while a decision is carried out.
func TestStageWhileCharging(t *testing.T) {
	e := newEnv(t)
	stages := e.stages()
	var during []workflows.Stage
	e.fetches(found, nil)
	e.OnActivity("Charge", mock.Anything, mock.Anything).Return(func(context.Context, activities.ChargeParams) (activities.ChargeResult, error) {
		during = append(during, e.status().Stage)
		if len(during) == 1 {
			return activities.ChargeResult{}, errReview
		}
		return charged(), nil
	}).Twice()
	e.opensReview()
	d := e.decides(endedAt.Add(time.Hour), confirm)
	_, err := e.run()
	require.NoError(t, err)
	require.NoError(t, d.err)
	require.Equal(t, []workflows.Stage{workflows.StageCharge, workflows.StageReview}, during)
	require.Equal(t, []string{"waiting", "review", "done"}, *stages)
	require.NotContains(t, e.logs.String(), "the stage is not shown")
}

// TestShortWaitsAreNotShown: what is over in two seconds costs no search attribute.
func TestShortWaitsAreNotShown(t *testing.T) {
	for wait, want := range map[time.Duration][]string{
		2 * time.Second:                    nil,
		2*time.Second + time.Millisecond:   {"waiting", "done"},
		workflows.StartLead:                nil,
		2*time.Second - 20*time.Nanosecond: nil,
	} {
		e := newEnv(t)
		e.SetStartTime(endedAt.Add(workflows.RecordDelay - wait))
		var stages []string
		e.OnUpsertTypedSearchAttributes(mock.MatchedBy(func(attributes temporal.SearchAttributes) bool {
			stage, _ := attributes.GetKeyword(workflows.AttributeStage)
			stages = append(stages, stage)
			return true
		})).Return(nil).Maybe()
		e.fetches(found, nil).Once()
		e.charges(charged(), nil).Once()
		_, err := e.run()
		require.NoError(t, err)
		require.Equal(t, want, stages, wait)
	}
}
