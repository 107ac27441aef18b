package main

import (
	"context"
	"net/http"

	"aftercall/dev/webhookreceiver"
)

// receiverFaults are those of the targets.
func receiverFaults() []fault {
	return []fault{
		{"500", "receivers", failingReceivers(webhookreceiver.Failure{Status: http.StatusInternalServerError})},
		{"429 with Retry-After", "receivers", failingReceivers(webhookreceiver.Failure{Status: http.StatusTooManyRequests, RetryAfter: "2"})},
		{"timeout", "receivers", failingReceivers(webhookreceiver.Failure{DelayMS: 60_000})},
		{"reset after receipt", "receivers", failingReceivers(webhookreceiver.Failure{Reset: true})},
		{"wrong certificate", "receivers", wrongCertificate},
	}
}

func failingReceivers(f webhookreceiver.Failure) begin {
	return func(ctx context.Context, w *world) (end, error) {
		if err := w.showsCount(ctx, "deliveries", func(context.Context) (int, error) { return w.stack.Webhooks.Counts("").Attempts, nil }); err != nil {
			return nil, err
		}
		w.receivers.backend.fail(f)
		err := w.stack.Webhooks.Fail(f)
		return func(context.Context) error {
			w.receivers.backend.fail(webhookreceiver.Failure{})
			w.stack.Webhooks.ClearFailures()
			return nil
		}, err
	}
}
