package ledger

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestLeavesOfOldEntriesStayTheSame: these columns are in every leaf, in this
// order; further ones are added at the end.
func TestLeavesOfOldEntriesStayTheSame(t *testing.T) {
	const first = "seq key kind revision reverses created_at sdk_app_id app call_id payer media_type call_type result start_time accept_time end_time " +
		"connected_seconds billed_seconds participants amount currency tariff tariff_from tariff_hash steps record differences " +
		"workflow_id first_run_id reason operator"
	require.Equal(t, strings.Fields(first), leafColumns[:firstLeafColumns])
	fields := (&row{}).fields()
	require.Len(t, fields, firstLeafColumns-1, "a charge reverses nothing, and has the zero value of further columns")
}
