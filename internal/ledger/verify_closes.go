package ledger

import (
	"context"

	"aftercall/internal/ledgerlog"
)

// closes compares the closed months with the checkpoints that say so, also with those
// from outside.
func (v *logVerifier) closes(ctx context.Context) error {
	stored := map[string]ledgerlog.Checkpoint{}
	err := each(ctx, v.snapshot, selectCloses+"ORDER BY m.month", nil, func(scan func(...any) error) error {
		var month, note string
		if err := scan(&month, &note); err != nil {
			return err
		}
		c, err := ledgerlog.ParseCheckpoint(note)
		if err != nil || c.Close.Month != month {
			v.report(FindingLog, nil, "the close of %s was altered: its checkpoint does not close the month", month)
			return nil //nolint:nilerr // it is reported
		}
		stored[month] = c
		return nil
	})
	if err != nil {
		return err
	}
	for _, c := range v.checkpoints {
		if c.Close.IsZero() {
			continue
		}
		if same, ok := stored[c.Close.Month]; !ok || same != c.Checkpoint {
			v.report(FindingLog, nil, "the close of %s was altered or removed after %s, by which %s closed it", c.Close.Month, c, c.Close.Operator)
		}
	}
	return nil
}
