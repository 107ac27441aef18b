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
		err       error
		errType   string
		permanent bool
		benign    bool
		minDelay  time.Duration
		maxDelay  time.Duration
	}{
		"record not there":   {err: api(101050), errType: RecordNotYet, benign: true},
		"over frequency":     {err: api(60007), errType: RecordAPIThrottled, minDelay: throttleDelay, maxDelay: 2 * throttleDelay},
		"our own limit":      {err: &tencent.BusyError{RetryAfter: time.Second}, errType: RecordAPIThrottled, minDelay: time.Second, maxDelay: 2 * time.Second},
		"gateway says when":  {err: fmt.Errorf("x: %w", &tencent.HTTPError{Status: 429, RetryAfter: time.Minute}), errType: RecordAPIThrottled, minDelay: time.Minute, maxDelay: time.Minute},
		"arrears":            {err: api(60017), errType: RecordAPIRefused, minDelay: operatorDelay, maxDelay: 2 * operatorDelay},
		"wrong region":       {err: api(60026), errType: RecordAPIRefused, minDelay: operatorDelay, maxDelay: 2 * operatorDelay},
		"wrong key":          {err: api(70003), errType: RecordAPIRefused, minDelay: operatorDelay, maxDelay: 2 * operatorDelay},
		"expired again":      {err: api(70001), errType: RecordAPIUnavailable},
		"internal":           {err: api(101001), errType: RecordAPIUnavailable},
		"unknown code":       {err: api(424242), errType: RecordAPIUnavailable},
		"bad CallId":         {err: api(101002), errType: RecordAPIInvalid, permanent: true},
		"our bug":            {err: api(60002), errType: RecordAPIInvalid, permanent: true},
		"odd answer":         {err: fmt.Errorf("x: %w", &tencent.UnreadableAnswerError{}), errType: RecordUnreadable, permanent: true},
		"review":             {err: &billing.ReviewError{}, errType: NeedsReview, permanent: true},
		"conflict":           {err: &ledger.ConflictError{}, errType: ChargeConflict, permanent: true},
		"wrapped conflict":   {err: fmt.Errorf("ledger: %w", &ledger.ConflictError{}), errType: ChargeConflict, permanent: true},
		"edited tariff":      {err: &ledger.EditedError{}, errType: TariffEdited},
		"target gone":        {err: &notify.StatusError{Status: 410}, errType: TargetRefused, permanent: true},
		"target busy":        {err: &notify.StatusError{Status: 503}, errType: TargetUnavailable},
		"target says when":   {err: &notify.StatusError{Status: 429, RetryAfter: time.Minute}, errType: TargetUnavailable, minDelay: time.Minute, maxDelay: time.Minute},
		"wrong secret":       {err: &notify.StatusError{Status: 401}, errType: TargetMisconfigured},
		"wrong address":      {err: fmt.Errorf("dial: %w", &notify.AddressError{}), errType: TargetMisconfigured},
		"robot gone":         {err: &notify.DeliveryError{Class: notify.NeedsOperator, RetryAfter: operatorDelay}, errType: TargetMisconfigured, minDelay: operatorDelay, maxDelay: operatorDelay},
		"text refused":       {err: &notify.DeliveryError{Class: notify.Permanent}, errType: TargetRefused, permanent: true},
		"robot busy":         {err: &notify.DeliveryError{Reason: "answered errcode 45009", RetryAfter: time.Minute}, errType: TargetUnavailable, minDelay: time.Minute, maxDelay: time.Minute},
		"target paused":      {err: &circuit.HeldError{For: time.Second}, errType: TargetHeld, benign: true, minDelay: time.Second, maxDelay: time.Second},
		"already classified": {err: permanent(NeedsReview, errors.New("x")), errType: NeedsReview, permanent: true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var appErr *temporal.ApplicationError
			require.ErrorAs(t, classify(tt.err), &appErr)
			require.Equal(t, tt.errType, appErr.Type())
			require.Equal(t, tt.permanent, appErr.NonRetryable())
			require.Equal(t, tt.benign, appErr.Category() == temporal.ApplicationErrorCategoryBenign)
			require.GreaterOrEqual(t, appErr.NextRetryDelay(), tt.minDelay)
			require.LessOrEqual(t, appErr.NextRetryDelay(), tt.maxDelay)
		})
	}
	require.NoError(t, classify(nil))
}

func TestDefaultType(t *testing.T) {
	require.NoError(t, defaultType(nil, LedgerUnavailable))
	require.ErrorIs(t, defaultType(context.Canceled, LedgerUnavailable), context.Canceled)
	var appErr *temporal.ApplicationError
	require.NotErrorAs(t, defaultType(context.Canceled, LedgerUnavailable), &appErr)
	require.ErrorAs(t, defaultType(errors.New("connection refused"), LedgerUnavailable), &appErr)
	require.Equal(t, LedgerUnavailable, appErr.Type())
	require.False(t, appErr.NonRetryable())
}

func TestUnreadableRecordIsForAPerson(t *testing.T) {
	problems := []tencent.FieldError{{Field: "EndTime", Problem: "must be a whole number, not a JSON object"}}
	err := classify(fmt.Errorf("x: %w", &tencent.UnreadableRecordError{
		API: "get_record_by_callid", RequestID: "r-1", Record: tencent.CallRecord{CallID: "call-1", Caller: "patient"}, Problems: problems, Raw: `{"EndTime":{}}`,
	}))
	var appErr *temporal.ApplicationError
	require.ErrorAs(t, err, &appErr)
	require.Equal(t, RecordUnreadable, appErr.Type())
	require.True(t, appErr.NonRetryable())
	require.Equal(t, "x: get_record_by_callid: the record cannot be read: EndTime: must be a whole number, not a JSON object, RequestId r-1", appErr.Message())
	var details UnreadableRecord
	require.NoError(t, appErr.Details(&details))
	require.Equal(t, UnreadableRecord{Record: tencent.CallRecord{CallID: "call-1", Caller: "patient"}, Problems: problems, Raw: `{"EndTime":{}}`}, details)
}
