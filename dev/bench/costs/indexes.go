package costs

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
)

// Which indexes Temporal's list of workflows has in PostgreSQL.
const (
	// Shipped are those of the server's schema.
	Shipped = "shipped"
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

// useIndexes changes the indexes of the list of workflows.
func (s stores) useIndexes(ctx context.Context, indexes string) error {
	statements := map[string]string{Shipped: "", Partial: PartialIndexes, Dropped: DropIndexes}[indexes]
	if statements == "" {
		return nil
	}
	if !s.postgres {
		return errors.New("only the cluster, which has PostgreSQL, can have other indexes")
	}
	if _, err := s.visibility.ExecContext(ctx, statements); err != nil {
		return fmt.Errorf("change indexes: %w", err)
	}
	return nil
}
