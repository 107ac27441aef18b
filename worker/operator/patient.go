package operator

import (
	"context"
	"errors"
	"time"

	"aftercall/internal/tencent"
)

// patient waits where our own limit of requests wants it to.
type patient struct{ client recordSource }

// Records waits for its turn.
func (p patient) Records(ctx context.Context, f tencent.RecordFilter) (page tencent.RecordPage, err error) {
	err = waitTurn(ctx, func() error {
		page, err = p.client.Records(ctx, f)
		return err
	})
	return page, err
}

// Record waits for its turn.
func (p patient) Record(ctx context.Context, callID string) (record tencent.CallRecord, err error) {
	err = waitTurn(ctx, func() error {
		record, err = p.client.Record(ctx, callID)
		return err
	})
	return record, err
}

func waitTurn(ctx context.Context, ask func() error) error {
	for {
		err := ask()
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
