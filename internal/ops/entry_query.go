package ops

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"aftercall/internal/ledger"
	"aftercall/internal/tencent"
)

// EntryQuery selects ledger entries. Zero values select everything.
type EntryQuery struct {
	// App is a name or an SDKAppID.
	App    string
	CallID string
	Payer  string
	// Ended is about the end of calls, Booked about when entries were booked.
	Ended, Booked Range
	// Zone is the IANA name of the time zone of days; empty means UTC.
	Zone     string
	Result   tencent.CallResult
	Media    tencent.MediaType
	Tariff   string
	Kind     ledger.Kind
	Operator string
	// Live leaves out reversals and what was reversed.
	Live bool
}

// filter reads a query. zone is that of its days.
func (d *Deps) filter(ctx context.Context, q EntryQuery) (f ledger.Filter, zone *time.Location, err error) {
	if zone, err = Zone(q.Zone); err != nil {
		return f, nil, err
	}
	f = ledger.Filter{
		CallID: q.CallID, Payer: q.Payer, Result: q.Result, Media: q.Media, Tariff: q.Tariff,
		Kind: q.Kind, Operator: q.Operator, Live: q.Live,
	}
	if f.From, f.To, err = q.Ended.Parse(zone); err != nil {
		return f, nil, err
	}
	if f.BookedFrom, f.BookedTo, err = q.Booked.Parse(zone); err != nil {
		return f, nil, err
	}
	if err := d.checkValues(ctx, q); err != nil {
		return f, nil, err
	}
	f.SDKAppID, err = d.LedgerApp(ctx, q.App)
	return f, zone, err
}

// checkValues refuses values that are mistyped, which would select nothing: those
// that are neither documented or configured nor in any entry.
func (d *Deps) checkValues(ctx context.Context, q EntryQuery) error {
	var tariffs []string
	if q.Tariff != "" {
		cfg, err := d.Config()
		if err != nil && d.environ[configVariable] != "" {
			return err
		}
		if err == nil {
			tariffs = slices.Sorted(maps.Keys(cfg.Tariffs))
		}
	}
	return errors.Join(
		d.checkValue(ctx, "--media", "media type", string(q.Media), words(tencent.MediaTypes), ledger.ColumnMedia),
		d.checkValue(ctx, "--result", "result", string(q.Result), words(tencent.CallResults), ledger.ColumnResult),
		d.checkValue(ctx, "--tariff", "tariff", q.Tariff, tariffs, ledger.ColumnTariff),
	)
}

// checkValue refuses a value that is not known, unless an entry has it in column.
func (d *Deps) checkValue(ctx context.Context, flag, noun, value string, known []string, column ledger.Column) error {
	if value == "" || slices.Contains(known, value) {
		return nil
	}
	l, err := d.Ledger(ctx)
	if err != nil {
		return err
	}
	used, err := l.Used(ctx, column)
	if err != nil {
		return Errorf(Failed, "", "%w", err)
	}
	if slices.Contains(used, value) {
		return nil
	}
	for _, u := range used {
		if u != "" && !slices.Contains(known, u) {
			known = append(slices.Clip(known), u)
		}
	}
	if len(known) == 0 {
		return Errorf(Usage, "", "%s: there are no %ss yet", flag, noun)
	}
	return Errorf(Usage, noun+"s are: "+strings.Join(known, ", "), "%s: there is no %s %q", flag, noun, value)
}

// words are values as text.
func words[T ~string](values []T) []string {
	all := make([]string, len(values))
	for i, value := range values {
		all[i] = string(value)
	}
	return all
}
