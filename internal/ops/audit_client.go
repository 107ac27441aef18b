package ops

import (
	"context"
	"errors"
	"time"

	"aftercall/internal/sweep"
	"aftercall/internal/tencent"
)

// recordClient reads call records; *tencent.Client is one.
type recordClient interface {
	sweep.Lister
	Record(ctx context.Context, callID string) (tencent.CallRecord, error)
}

// waitingClient is a recordClient that waits while the shared rate limit is
// exhausted, where others fail.
type waitingClient struct{ client recordClient }

// Records lists a page of records.
func (c waitingClient) Records(ctx context.Context, f tencent.RecordFilter) (page tencent.RecordPage, err error) {
	err = whileBusy(ctx, func() error {
		page, err = c.client.Records(ctx, f)
		return err
	})
	return page, err
}

// Record reads the record of one call.
func (c waitingClient) Record(ctx context.Context, callID string) (record tencent.CallRecord, err error) {
	err = whileBusy(ctx, func() error {
		record, err = c.client.Record(ctx, callID)
		return err
	})
	return record, err
}

// whileBusy repeats a request for as long as the rate limit refuses it.
func whileBusy(ctx context.Context, request func() error) error {
	for {
		err := request()
		var busy *tencent.BusyError
		if !errors.As(err, &busy) {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(busy.RetryAfter):
		}
	}
}
