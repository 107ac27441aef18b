package local

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"go.temporal.io/sdk/client"

	"aftercall/dev/slimlist"
)

// serverFile is the database file of the development server.
func (s *Stack) serverFile() string { return filepath.Join(s.dir, "temporal.db") }

// noteServerFile notes whether the server that is to start makes its file, because a new
// one has every index, and one that was slim should not have them again.
func (s *Stack) noteServerFile() {
	_, err := os.Stat(s.serverFile())
	s.newServerFile = os.IsNotExist(err)
}

// makeListSlim makes the development server's list of workflows slim, at every start: a
// newer server may have brought back what was dropped.
func (s *Stack) makeListSlim(ctx context.Context, c client.Client, namespace string) error {
	if s.options.StockList || len(s.options.Topology.Nodes) > 0 {
		return nil
	}
	changes, err := SlimList(ctx, c, namespace, s.serverFile())
	if err != nil || !changes.Any() {
		return err
	}
	level := slog.LevelWarn
	if s.newServerFile {
		level = slog.LevelInfo
	}
	s.logger.Log(ctx, level, "the list of workflows had more indexes than queries use; they are dropped", "dropped", changes.Dropped,
		"made partial", changes.Partial, "added", changes.Added, "had full-text search", changes.FullText)
	return nil
}

// SlimList makes the list of workflows in the file of a running development server slim,
// as package slimlist describes it.
func SlimList(ctx context.Context, c client.Client, namespace, file string) (slimlist.Changes, error) {
	columns, err := slimlist.ReadColumns(ctx, c, namespace)
	if err != nil {
		return slimlist.Changes{}, err
	}
	changes, err := slimlist.Make(ctx, file, columns)
	if err != nil {
		return changes, fmt.Errorf("drop unused indexes of the list of workflows: %w", err)
	}
	return changes, nil
}
