package activities

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"

	"aftercall/internal/billing"
	"aftercall/internal/circuit"
	"aftercall/internal/ledger"
	"aftercall/internal/notify"
	"aftercall/internal/tencent"
)

func TestClassify(t *testing.T) {
	api := func(code tencent.Code) error {
		return &tencent.APIError{API: "get_record_by_callid", Code: code, Info: "words", RequestID: "r-1"}
	}
	tests := map[string]struct {
		err      error
		errType  string
		final    bool
		benign   bool
		minPause time.Duration
		maxPause time.Duration
	}{
		"record not there":   {err: api(101050), errType: RecordNotYet, benign: true},
		"over frequency":     {err: api(60007), errType: RecordAPIThrottled, minPause: throttlePause, maxPause: 2 * throttlePause},
		"our own limit":      {err: &tencent.BusyError{RetryAfter: time.Second}, errType: RecordAPIThrottled, minPause: time.Second, maxPause: 2 * time.Second},
		"gateway says when":  {err: fmt.Errorf("x: %w", &tencent.HTTPError{Status: 429, RetryAfter: time.Minute}), errType: RecordAPIThrottled, minPause: time.Minute, maxPause: time.Minute},
		"arrears":            {err: api(60017), errType: RecordAPIRefused, minPause: operatorPause, maxPause: 2 * operatorPause},
		"wrong region":       {err: api(60026), errType: RecordAPIRefused, minPause: operatorPause, maxPause: 2 * operatorPause},
		"wrong key":          {err: api(70003), errType: RecordAPIRefused, minPause: operatorPause, maxPause: 2 * operatorPause},
		"expired again":      {err: api(70001), errType: RecordAPIUnavailable},
		"internal":           {err: api(101001), errType: RecordAPIUnavailable},
		"unknown code":       {err: api(424242), errType: RecordAPIUnavailable},
		"bad CallId":         {err: api(101002), errType: RecordAPIInvalid, final: true},
		"our bug":            {err: api(60002), errType: RecordAPIInvalid, final: true},
		"review":             {err: &billing.ReviewError{}, errType: NeedsReview, final: true},
		"conflict":           {err: &ledger.ConflictError{}, errType: ChargeConflict, final: true},
		"wrapped conflict":   {err: fmt.Errorf("ledger: %w", &ledger.ConflictError{}), errType: ChargeConflict, final: true},
		"target gone":        {err: &notify.StatusError{Status: 410}, errType: TargetRefused, final: true},
		"target busy":        {err: &notify.StatusError{Status: 503}, errType: TargetUnavailable},
		"target says when":   {err: &notify.StatusError{Status: 429, RetryAfter: time.Minute}, errType: TargetUnavailable, minPause: time.Minute, maxPause: time.Minute},
		"robot gone":         {err: &notify.DeliveryError{Reason: "answered errcode 93000", Permanent: true}, errType: TargetRefused, final: true},
		"robot busy":         {err: &notify.DeliveryError{Reason: "answered errcode 45009", RetryAfter: time.Minute}, errType: TargetUnavailable, minPause: time.Minute, maxPause: time.Minute},
		"target paused":      {err: &circuit.HeldError{For: time.Second}, errType: TargetHeld, benign: true, minPause: time.Second, maxPause: time.Second},
		"already classified": {err: final(NeedsReview, errors.New("x")), errType: NeedsReview, final: true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var appErr *temporal.ApplicationError
			require.ErrorAs(t, classify(tt.err), &appErr)
			require.Equal(t, tt.errType, appErr.Type())
			require.Equal(t, tt.final, appErr.NonRetryable())
			require.Equal(t, tt.benign, appErr.Category() == temporal.ApplicationErrorCategoryBenign)
			require.GreaterOrEqual(t, appErr.NextRetryDelay(), tt.minPause)
			require.LessOrEqual(t, appErr.NextRetryDelay(), tt.maxPause)
		})
	}
	require.NoError(t, classify(nil))
}

func TestOrElse(t *testing.T) {
	require.NoError(t, orElse(nil, LedgerUnavailable))
	require.ErrorIs(t, orElse(context.Canceled, LedgerUnavailable), context.Canceled)
	var appErr *temporal.ApplicationError
	require.NotErrorAs(t, orElse(context.Canceled, LedgerUnavailable), &appErr)
	require.ErrorAs(t, orElse(errors.New("connection refused"), LedgerUnavailable), &appErr)
	require.Equal(t, LedgerUnavailable, appErr.Type())
	require.False(t, appErr.NonRetryable())
}
