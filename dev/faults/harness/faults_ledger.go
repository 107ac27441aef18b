package main

import (
	"context"
	"errors"

	"aftercall/dev/local"
)

// ledgerFaults are those of the ledger and its database.
func ledgerFaults(t local.Topology) []fault {
	all := []fault{
		{"locked by another program", "ledger", ledgerLocked},
		{"disk full", "ledger", diskFull},
		{"read-only", "ledger", readOnly},
		{"replaced by an older copy", "ledger", replacedByCopy},
	}
	if t.Postgres {
		all = append(
			all, fault{"cut after COMMIT", "ledger", disturbed("ledger", answers, commitsPassed, cutAfterCommit, nil)},
			// It is that of Temporal and of the events, too.
			fault{"kill -9", "postgres", killed("postgres")}, fault{"restart", "postgres", stopped("postgres")},
		)
	}
	return all
}

// ledgerLocked has another program lock the table of the entries, or the file.
func ledgerLocked(ctx context.Context, w *world) (end, error) {
	db, err := w.ledgerDB()
	if err != nil {
		return nil, err
	}
	unlock, err := w.lock(ctx, db, "ledger_entries")
	if err != nil {
		return nil, err
	}
	return unlock, w.showsComplaint(complaintOfLedger)
}

// readOnly makes the database refuse writes.
func readOnly(ctx context.Context, w *world) (end, error) {
	if !w.topology.Postgres {
		return readOnlyFolder(ctx, w)
	}
	// Sessions keep the setting with which they began. An administrator who ends them
	// when it begins need not do so when it is over.
	if err := w.execLedger(ctx, "ALTER DATABASE "+local.LedgerDatabase+" SET default_transaction_read_only = on", endSessions); err != nil {
		return nil, err
	}
	return func(ctx context.Context) error {
		return w.execLedger(ctx, "SET default_transaction_read_only = off", "ALTER DATABASE "+local.LedgerDatabase+" RESET default_transaction_read_only")
	}, w.showsComplaint(complaintOfLedger)
}

const endSessions = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"

// readOnlyFolder kills the workers, which have the file open, and lets them start on a
// file system that is read-only.
func readOnlyFolder(ctx context.Context, w *world) (end, error) {
	workers := local.Numbered("worker", w.topology.Workers)
	startWorkers, err := killed(workers...)(ctx, w)
	if err != nil {
		return nil, err
	}
	w.inPlace.Lock()
	err = w.disk.remount("ro")
	w.inPlace.Unlock()
	if err != nil {
		return nil, errors.Join(err, startWorkers(ctx))
	}
	for _, worker := range workers {
		if err := w.stack.LaunchPart(worker, local.Service{}, nil); err != nil {
			return nil, err
		}
	}
	return func(context.Context) error { return w.disk.remount("rw") }, w.showsComplaint(complaintOfLedger)
}

// diskFull fills the file system of the ledger.
func diskFull(ctx context.Context, w *world) (end, error) {
	if !w.topology.Postgres {
		// The write-ahead log would be written again from its beginning, which needs no space.
		if err := w.execLedger(ctx, "PRAGMA wal_checkpoint(TRUNCATE)"); err != nil {
			return nil, err
		}
	}
	if err := w.disk.fill(); err != nil {
		return nil, err
	}
	return func(context.Context) error { return w.disk.empty() }, w.showsComplaint(complaintOfLedger)
}
