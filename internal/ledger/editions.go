package ledger

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"aftercall/internal/billing"
)

// Edition is a tariff version by which calls were charged, and the first entry that
// was. After an edit in place, a version has several editions.
type Edition struct {
	Tariff   billing.AppliedTariff
	FirstKey string
	// FirstAt is when that entry was booked.
	FirstAt time.Time
}

// Editions lists the tariff versions by which calls were charged, in the order of their
// first use. It reads no entries but the first of each.
func (l *Ledger) Editions(ctx context.Context) ([]Edition, error) {
	const query = `SELECT u.tariff, u.tariff_hash, t.edition, u.first_key, e.created_at FROM ledger_tariff_uses u
JOIN ledger_tariffs t ON t.hash = u.tariff_hash LEFT JOIN ledger_entries e ON e.key = u.first_key ORDER BY e.seq, u.tariff, u.tariff_hash`
	var all []Edition
	err := each(ctx, l.read, query, nil, func(scan func(...any) error) error {
		var e Edition
		var text []byte
		var at sql.NullInt64
		if err := scan(&e.Tariff.Name, &e.Tariff.Hash, &text, &e.FirstKey, &at); err != nil {
			return err
		}
		e.Tariff.VersionJSON = text
		var version struct {
			EffectiveFrom time.Time `json:"effective_from"`
		}
		// A text that cannot be decoded is an edit, and a finding of Verify.
		_ = json.Unmarshal(text, &version)
		e.Tariff.EffectiveFrom = version.EffectiveFrom
		e.FirstAt = time.UnixMilli(at.Int64).UTC()
		all = append(all, e)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("ledger: list the tariff versions in use: %w", err)
	}
	return all, nil
}

// EditedTariff is an edition that the configuration has changed.
type EditedTariff struct {
	Edition
	Edit billing.Edit
}

// String says what was edited, since when it counts, and the cure.
func (e EditedTariff) String() string {
	name := e.Tariff.Name
	what := "tariff " + name + ", version of " + e.Tariff.EffectiveFrom.UTC().Format(time.RFC3339)
	cure := "undo it, and add a version with a new effective_from instead"
	if e.Edit.Settings {
		what = "tariff " + name
		cure = "undo it, and add a tariff of another name, which apps[].tariff assigns from a date on"
	}
	return fmt.Sprintf("%s: was edited after calls were charged by it: %s (edition %.12s, first in %s, booked %s): %s; or accept a deliberate edit with --accept-edited-tariff %s or AFTERCALL_ACCEPT_EDITED_TARIFF",
		what, e.Edit.Change, e.Tariff.Hash, e.FirstKey, e.FirstAt.Format(time.RFC3339), cure, name)
}

// EditedTariffs finds what a configuration has changed under calls that were charged.
// A tariff that it does not have any more is not edited.
func (l *Ledger) EditedTariffs(ctx context.Context, tariffs map[string]billing.Tariff) ([]EditedTariff, error) {
	editions, err := l.Editions(ctx)
	if err != nil {
		return nil, err
	}
	byName := map[string][]Edition{}
	var names []string
	for _, e := range editions {
		if _, configured := tariffs[e.Tariff.Name]; configured && byName[e.Tariff.Name] == nil {
			names = append(names, e.Tariff.Name)
		}
		byName[e.Tariff.Name] = append(byName[e.Tariff.Name], e)
	}
	slices.Sort(names)
	var edited []EditedTariff
	for _, name := range names {
		used := make([]billing.AppliedTariff, len(byName[name]))
		for i, e := range byName[name] {
			used[i] = e.Tariff
		}
		for _, edit := range tariffs[name].Edits(used) {
			edited = append(edited, EditedTariff{byName[name][edit.Used], edit})
		}
	}
	return edited, nil
}

// EditedError refuses tariffs that were edited under calls that were charged.
type EditedError struct {
	Edited []EditedTariff
}

// Error has a line for each.
func (e *EditedError) Error() string {
	lines := make([]string, len(e.Edited))
	for i, edited := range e.Edited {
		lines[i] = edited.String()
	}
	return strings.Join(lines, "\n")
}

// ExitCode is that of a configuration that is wrong.
func (*EditedError) ExitCode() int { return 2 }

// tariffUse is a row of ledger_tariff_uses without its first entry.
type tariffUse struct{ name, hash string }

// uses finds versions by which calls were charged and that are not listed, so that an
// edit of them would not be refused.
func (v *verifier) uses(ctx context.Context) error {
	err := each(ctx, v.snapshot, "SELECT tariff, tariff_hash FROM ledger_tariff_uses", nil, func(scan func(...any) error) error {
		var listed tariffUse
		err := scan(&listed.name, &listed.hash)
		delete(v.used, listed)
		return err
	})
	for missing := range v.used {
		v.reportKind(FindingSchema, nil, "the table ledger_tariff_uses does not list that calls were charged by edition %.12s of tariff %s: an edit of it would not be refused", missing.hash, missing.name)
	}
	return err
}
