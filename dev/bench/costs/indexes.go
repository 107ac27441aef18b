package costs

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
)

// Which indexes Temporal's list of workflows has: Shipped or Slim in the development
// server's file, all but Slim in PostgreSQL.
const (
	// Shipped are those of the server's schema.
	Shipped = "shipped"
	// Slim is what the local stack leaves; see package slimlist.
	Slim = "slim"
	// Partial leaves rows without a value out of the index of an attribute.
	Partial = "partial"
	// Dropped has no index but those that commands, metrics and the Web UI need.
	Dropped = "dropped"
)

// PartialIndexes and DropIndexes are statements for the database temporal_visibility.
var (
	//go:embed partial.sql
	PartialIndexes string
	//go:embed dropped.sql
	DropIndexes string
)

// useIndexes changes the indexes of the list of workflows in PostgreSQL. The stack has
// made that of the development server slim.
func (s stores) useIndexes(ctx context.Context, indexes string) error {
	if indexes == Shipped {
		return nil
	}
	if s.postgres == (indexes == Slim) {
		return errors.New("the development server can have shipped or slim indexes, the cluster shipped, partial or none")
	}
	statements := map[string]string{Slim: "", Partial: PartialIndexes, Dropped: DropIndexes}[indexes]
	if statements == "" {
		return nil
	}
	if _, err := s.visibility.ExecContext(ctx, statements); err != nil {
		return fmt.Errorf("change indexes: %w", err)
	}
	return nil
}
