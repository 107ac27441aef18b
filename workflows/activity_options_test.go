package workflows

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/workflow"

	"aftercall/internal/notify"
	"aftercall/internal/tencent"
)

func TestActivityOptions(t *testing.T) {
	for name, o := range map[string]workflow.ActivityOptions{"record": recordOptions, "charge": chargeOptions, "notify": notifyOptions} {
		t.Run(name, func(t *testing.T) {
			require.Zero(t, o.RetryPolicy.MaximumAttempts, "a limit of attempts drops calls")
			require.Empty(t, o.RetryPolicy.NonRetryableErrorTypes, "activities decide which errors are permanent")
			require.Positive(t, o.StartToCloseTimeout)
		})
	}
	require.Zero(t, recordOptions.ScheduleToCloseTimeout, "a call waits for its record until FetchRecord ends it")
	require.Zero(t, chargeOptions.ScheduleToCloseTimeout, "a call waits for the ledger without limit")
	require.Zero(t, notifyOptions.ScheduleToCloseTimeout, "a delivery is retried until Notify ends it")
	require.Equal(t, 2*time.Second, recordOptions.RetryPolicy.InitialInterval)
	require.Greater(t, recordOptions.StartToCloseTimeout, 2*tencent.RequestTimeout, "a renewed UserSig costs a second request")
	require.Greater(t, notifyOptions.StartToCloseTimeout, notify.RequestTimeout)
	require.Greater(t, notifyTimeout, notify.RequestTimeout, "a local activity does not cut a request that a receiver may accept")
	require.Less(t, 2*localTimeout, 10*time.Second, "reading and charging fit into one workflow task")
}
