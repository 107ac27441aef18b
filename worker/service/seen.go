package service

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"aftercall/activities"
	"aftercall/internal/admin"
	"aftercall/internal/config"
	"aftercall/internal/evidence"
	"aftercall/internal/ledger"
)

// errEvidenceNotOpen is the answer until the store of the evidence is open.
var errEvidenceNotOpen = errors.New("the store of the evidence is not open yet")

// pendingEvidence reads evidence as soon as its database is up, so that a worker starts
// without it: only calls that are charged by evidence wait for it.
type pendingEvidence struct {
	url    string
	logger *slog.Logger
	opened atomic.Pointer[evidence.Store]
}

// newPendingEvidence returns nil if no call is charged by evidence.
func newPendingEvidence(cfg *config.Config, ledgerURL config.ConnectionURL, logger *slog.Logger) *pendingEvidence {
	if !cfg.ChargesByEvidence() {
		return nil
	}
	return &pendingEvidence{url: cfg.EvidenceURL(ledgerURL).Reveal(), logger: logger}
}

// reader is what activities read, nil if no call is charged by evidence.
func (p *pendingEvidence) reader() activities.Evidence {
	if p == nil {
		return nil
	}
	return p
}

// open opens the store, and tries again until it can or ctx ends. An outage is logged
// once, and its end.
func (p *pendingEvidence) open(ctx context.Context) {
	if p == nil {
		return
	}
	for delay, logged := minLedgerDelay, false; ; delay = min(2*delay, maxLedgerDelay) {
		openCtx, cancel := context.WithTimeout(ctx, openEvidenceTimeout)
		store, err := evidence.Open(openCtx, p.url, ledger.Options{Logger: p.logger})
		cancel()
		switch {
		case err == nil:
			p.opened.Store(store)
			if logged {
				p.logger.InfoContext(ctx, "the store of the evidence is open")
			}
			return
		case ctx.Err() != nil:
			return
		case !logged:
			logged = true
			p.logger.ErrorContext(ctx, "calls that are charged by evidence wait until its database works", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(delay):
		}
	}
}

// OfCall returns the events of a call.
func (p *pendingEvidence) OfCall(ctx context.Context, c evidence.Call) ([]evidence.Event, error) {
	store := p.opened.Load()
	if store == nil {
		return nil, errEvidenceNotOpen
	}
	return store.OfCall(ctx, c)
}

// close closes the store if it was opened.
func (p *pendingEvidence) close() error {
	if p == nil {
		return nil
	}
	if store := p.opened.Load(); store != nil {
		return store.Close()
	}
	return nil
}

// checks report whether evidence can be read, if any is.
func (p *pendingEvidence) checks() []admin.Check {
	if p == nil {
		return nil
	}
	return []admin.Check{{Name: "evidence", Optional: true, Run: func(ctx context.Context) error {
		err := errEvidenceNotOpen
		if store := p.opened.Load(); store != nil {
			err = store.Ping(ctx)
		}
		if problem, cure := ledger.Describe(err); problem != "" {
			return admin.PublicError(problem + ": " + cure + "; calls that are charged by evidence wait until then")
		}
		return err
	}}}
}
