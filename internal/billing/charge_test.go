package billing_test

import (
	"testing"

	"aftercall/internal/billing"

	"github.com/stretchr/testify/require"
)

func TestReversal(t *testing.T) {
	charge := rate(t, connected(61), tariffOf(perMinute(t, "0.05", 60, 60)))
	reversal, err := charge.Reversal("charge:1:a")
	require.NoError(t, err)
	require.Equal(t, "-0.10 USD", reversal.Amount.String())
	require.Equal(t, []billing.Step{
		{Kind: billing.StepReversal, Amount: "-0.10", Text: "takes back 0.10 USD, which charge:1:a charged"},
	}, reversal.Steps)
	require.Equal(t, charge.Tariff, reversal.Tariff)
	require.Equal(t, charge.BilledSeconds, reversal.BilledSeconds)

	free, err := rate(t, connected(0), tariffOf(perMinute(t, "0.05", 60, 60))).Reversal("charge:1:b")
	require.NoError(t, err)
	require.Equal(t, "0.00 USD", free.Amount.String(), "not -0.00")
}
