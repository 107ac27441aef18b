package ledger

import (
	"context"
	"fmt"

	"aftercall/internal/tencent"
)

// AppEntry is an app that has entries.
type AppEntry struct {
	SDKAppID tencent.SDKAppID
	// Name is one that the app had when an entry was booked.
	Name string
}

// Apps lists the apps that have entries: one for each SDKAppID and name.
func (l *Ledger) Apps(ctx context.Context) ([]AppEntry, error) {
	var apps []AppEntry
	err := each(ctx, l.read, "SELECT DISTINCT e.sdk_app_id, e.app FROM ledger_entries e ORDER BY 1, 2", nil, func(scan func(...any) error) error {
		var (
			id   uint64
			name string
		)
		err := scan(&id, &name)
		apps = append(apps, AppEntry{tencent.SDKAppID(id), name})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("ledger: list apps: %w", err)
	}
	return apps, nil
}

// Column is a column of entries whose different values Used lists.
type Column string

// The columns by which operators filter entries.
const (
	ColumnMedia  Column = "media_type"
	ColumnResult Column = "result"
	ColumnTariff Column = "tariff"
)

// Used lists the different values that entries have in a column, in order.
func (l *Ledger) Used(ctx context.Context, column Column) ([]string, error) {
	var values []string
	err := each(ctx, l.read, "SELECT DISTINCT e."+string(column)+" FROM ledger_entries e ORDER BY 1", nil, func(scan func(...any) error) error {
		var value string
		err := scan(&value)
		values = append(values, value)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("ledger: list values of %s: %w", column, err)
	}
	return values, nil
}
