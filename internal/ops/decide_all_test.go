package ops

import (
	"testing"

	"github.com/stretchr/testify/require"

	"aftercall/internal/billing"
	"aftercall/internal/tencent"
	"aftercall/workflows"
)

func TestKindsOfReasons(t *testing.T) {
	t.Parallel()
	require.Equal(t, ReasonNoRecord, Review{NoRecord: true}.Kind())
	require.Equal(t, ReasonUnreadable, Review{Unreadable: []tencent.FieldError{{}}}.Kind())
	require.Equal(t, ReasonRules, Review{}.Kind())
}

func TestOneTimeIsNotForAllCalls(t *testing.T) {
	t.Parallel()
	_, err := (&Deps{}).DecideAll(t.Context(), DecideAllParams{Decision: workflows.DecideParams{Verdict: billing.VerdictChargeAs, ConnectedSeconds: 60}})
	require.ErrorContains(t, err, "--all: every call has another time")
	require.Equal(t, "decide about each call on its own", cureOf(err))
}
