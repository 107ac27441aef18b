package service

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"aftercall/internal/admin"
	"aftercall/internal/ledger"
)

const (
	minLedgerDelay = 200 * time.Millisecond
	maxLedgerDelay = 5 * time.Second
	// slowLedger is how long opening the ledger may take before a log line says
	// what the worker waits for: a host that drops packets fails after minutes.
	slowLedger = 5 * time.Second
)

// ledgerCure is what an operator can do about a ledger that does not open.
const ledgerCure = "start its database, or correct LEDGER_URL; calls wait in Temporal until then"

// pendingLedger opens the ledger of a process that starts before its database.
type pendingLedger struct{ opened atomic.Pointer[ledger.Ledger] }

// open opens the ledger, and retries until it can or ctx ends; then the result
// is nil. It does not retry what time cannot cure: an unusable URL, and tables of
// a later release. An outage is logged once, and its end.
func (p *pendingLedger) open(ctx context.Context, url string, options ledger.Options, logger *slog.Logger) (*ledger.Ledger, error) {
	logged := atomic.Bool{}
	report := func(err error) {
		if ctx.Err() == nil && logged.CompareAndSwap(false, true) {
			logger.Warn("waiting for the ledger: "+ledgerCure, "error", err)
		}
	}
	slow := time.AfterFunc(slowLedger, func() { report(errors.New("it does not answer")) })
	defer slow.Stop()
	for delay := minLedgerDelay; ; delay = min(2*delay, maxLedgerDelay) {
		opened, err := ledger.Open(ctx, url, options)
		switch {
		case err == nil:
			p.opened.Store(opened)
			if logged.Load() {
				logger.Info("the ledger is open")
			}
			return opened, nil
		case ctx.Err() != nil:
			return nil, nil //nolint:nilnil // the process ends, and nothing went wrong
		case errors.As(err, new(*ledger.URLError)) || errors.As(err, new(*ledger.VersionError)):
			return nil, err
		}
		report(err)
		select {
		case <-ctx.Done():
			return nil, nil //nolint:nilnil // as above
		case <-time.After(delay):
		}
	}
}

// check is the Check.Run of the ledger.
func (p *pendingLedger) check(ctx context.Context) error {
	if opened := p.opened.Load(); opened != nil {
		return opened.Ping(ctx)
	}
	return admin.PublicError("not open yet: " + ledgerCure)
}

// close closes the ledger if it was opened.
func (p *pendingLedger) close() error {
	if opened := p.opened.Load(); opened != nil {
		return opened.Close()
	}
	return nil
}
