package service

import (
	"context"
	"errors"
	"fmt"
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

// ledgerCure is what an operator can do about a ledger of which nothing better is known.
const ledgerCure = "start its database, or correct LEDGER_URL"

const (
	// tryWriteInterval is how often an open ledger must take a write.
	tryWriteInterval = 15 * time.Second
	tryWriteTimeout  = 10 * time.Second
)

// ledgerProblem says in words what is wrong with the ledger, and the cure.
func ledgerProblem(err error) error {
	problem, cure := ledger.Describe(err)
	if problem == "" {
		return fmt.Errorf("%w: %s; calls wait until then", err, ledgerCure)
	}
	return admin.PublicError(problem + ": " + cure + "; calls wait until then")
}

// pendingLedger opens the ledger of a process that starts before its database, and
// then watches whether it takes writes.
type pendingLedger struct {
	opened  atomic.Pointer[ledger.Ledger]
	problem atomic.Pointer[error] // of the last attempt to open it, or to write
	// interval is tryWriteInterval, except in tests.
	interval time.Duration
	// check, unless it is nil, says whether the open ledger can be used.
	check func(context.Context, *ledger.Ledger) error
}

// open opens the ledger and checks it, and retries until it can or ctx ends; then the
// result is nil. It does not retry what time cannot cure: an unusable URL, tables of
// a later release, and edited tariffs. An outage is logged once, and its end.
func (p *pendingLedger) open(ctx context.Context, url string, options ledger.Options, logger *slog.Logger) (*ledger.Ledger, error) {
	logged := atomic.Bool{}
	report := func(err error) {
		if ctx.Err() == nil && logged.CompareAndSwap(false, true) {
			logger.Warn("waiting for the ledger: " + ledgerProblem(err).Error())
		}
	}
	slow := time.AfterFunc(slowLedger, func() { report(errors.New("it does not answer")) })
	defer slow.Stop()
	for delay := minLedgerDelay; ; delay = min(2*delay, maxLedgerDelay) {
		opened, err := p.openOnce(ctx, url, options)
		switch {
		case err == nil:
			p.opened.Store(opened)
			p.problem.Store(nil)
			if logged.Load() {
				logger.Info("the ledger is open")
			}
			return opened, nil
		case ctx.Err() != nil:
			return nil, nil //nolint:nilnil // the process ends, and nothing went wrong
		case errors.As(err, new(*ledger.URLError)) || errors.As(err, new(*ledger.VersionError)) || errors.As(err, new(*ledger.EditedError)):
			return nil, err
		}
		p.problem.Store(&err)
		report(err)
		select {
		case <-ctx.Done():
			return nil, nil //nolint:nilnil // as above
		case <-time.After(delay):
		}
	}
}

func (p *pendingLedger) openOnce(ctx context.Context, url string, options ledger.Options) (*ledger.Ledger, error) {
	opened, err := ledger.Open(ctx, url, options)
	if err != nil || p.check == nil {
		return opened, err
	}
	if err := p.check(ctx, opened); err != nil {
		return nil, errors.Join(err, opened.Close())
	}
	return opened, nil
}

// watch tries a write periodically until ctx ends: a database that is read-only or
// whose disk is full still answers queries. An outage is logged once, and its end.
func (p *pendingLedger) watch(ctx context.Context, opened *ledger.Ledger, observe func(operation string, start time.Time, err error), logger *slog.Logger) {
	ticker := time.NewTicker(p.interval)
	defer ticker.Stop()
	for {
		start := time.Now()
		tryCtx, cancel := context.WithTimeout(ctx, tryWriteTimeout)
		err := opened.TryWrite(tryCtx)
		cancel()
		if ctx.Err() != nil {
			return
		}
		observe("try_write", start, err)
		before := p.problem.Load()
		switch {
		case err == nil && before != nil:
			p.problem.Store(nil)
			logger.Info("the ledger takes writes again")
		case err != nil:
			p.problem.Store(&err)
			if before == nil {
				logger.Error("the ledger takes no write: " + ledgerProblem(err).Error())
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// now is the time by the ledger's database.
func (p *pendingLedger) now(ctx context.Context) (time.Time, error) {
	opened := p.opened.Load()
	if opened == nil {
		return time.Time{}, errors.New("the ledger is not open yet")
	}
	return opened.Now(ctx)
}

// ready is the Check.Run of the ledger.
func (p *pendingLedger) ready(ctx context.Context) error {
	opened, problem := p.opened.Load(), p.problem.Load()
	var known admin.PublicError
	switch {
	case problem != nil && errors.As(ledgerProblem(*problem), &known):
		return known
	case opened == nil:
		return admin.PublicError("not open yet: " + ledgerCure)
	case problem != nil:
		return *problem
	}
	if err := opened.Ping(ctx); err != nil {
		return ledgerProblem(err)
	}
	return nil
}

// close closes the ledger if it was opened.
func (p *pendingLedger) close() error {
	if opened := p.opened.Load(); opened != nil {
		return opened.Close()
	}
	return nil
}
