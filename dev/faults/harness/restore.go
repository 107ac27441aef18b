package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"aftercall/dev/local"
	"aftercall/internal/cli"
	"aftercall/internal/ledger"
)

// replacedByCopy copies the ledger when it begins, and puts the copy in its place when
// it ends: by the drill of docs/ledger.md, which books again what the copy lacks.
func replacedByCopy(ctx context.Context, w *world) (end, error) {
	folder, err := os.MkdirTemp(w.stack.Dir(), "drill-")
	if err != nil {
		return nil, err
	}
	engine := "SQLite"
	if w.topology.Postgres {
		engine = "PostgreSQL"
	}
	drill := func(ctx context.Context, name string) error {
		return w.stack.Drill(ctx, filepath.Join(w.root, "bin"), folder, name)
	}
	if err := drill(ctx, "back up "+engine); err != nil {
		return nil, err
	}
	if err := w.showsCount(ctx, "entries that the copy lacks", w.countEntries); err != nil {
		return nil, err
	}
	return func(ctx context.Context) error {
		w.inPlace.Lock()
		defer w.inPlace.Unlock()
		workers := local.Numbered("worker", w.topology.Workers)
		for _, worker := range workers {
			if err := w.stack.StopPart(worker); err != nil {
				return err
			}
		}
		before, err := w.rememberBooked(ctx)
		if err != nil {
			return err
		}
		if err := drill(ctx, "put back "+engine); err != nil {
			return err
		}
		copied, err := w.rememberBooked(ctx)
		if err != nil {
			return err
		}
		w.note("the copy lacks %d of %d entries", before-copied, before)
		if err := w.bookAgain(ctx, drill); err != nil {
			return err
		}
		for _, worker := range workers {
			if err := w.stack.StartPart(ctx, worker); err != nil {
				return err
			}
		}
		return nil
	}, nil
}

// bookAgain runs the last commands of the drill. They report the calls that no workflow
// has handled yet, as those whose callback was lost, and nothing else.
func (w *world) bookAgain(ctx context.Context, drill func(context.Context, string) error) error {
	failed := drill(ctx, "restore")
	if exit := new(exec.ExitError); failed != nil && (!errors.As(failed, &exit) || exit.ExitCode() != cli.Refused) {
		return failed
	}
	for _, args := range [][]string{{"ledger", "restore"}, {"ledger", "verify"}} {
		if err := w.stack.Command(ctx, args...).Err(); err != nil {
			return fmt.Errorf("%v: %w", args, errors.Join(err, failed))
		}
	}
	return nil
}

func (w *world) countEntries(ctx context.Context) (int, error) {
	entries, _, err := w.readLedger(ctx)
	return len(entries), err
}

// rememberBooked notes when each entry was booked first, and returns how many there are.
func (w *world) rememberBooked(ctx context.Context) (entries int, err error) {
	store, err := ledger.OpenReadOnly(ctx, w.stack.LedgerURL())
	if err != nil {
		return 0, err
	}
	defer store.Close()
	for entry, err := range store.List(ctx, ledger.Filter{}) {
		if err != nil {
			return 0, err
		}
		entries++
		if _, known := w.booked[entry.Key]; !known {
			w.booked[entry.Key] = entry.CreatedAt
		}
	}
	return entries, nil
}
