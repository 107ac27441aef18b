package ledger

import (
	"context"
	"database/sql"
	"errors"
	"strings"

	"github.com/pressly/goose/v3"

	"aftercall/internal/ledgerlog"
)

// EngineNames are the names of all engines.
func EngineNames() []string {
	var names []string
	for _, e := range engines {
		names = append(names, e.name)
	}
	return names
}

// Columns are those that the ledger reads, by table.
func Columns() map[string][]string {
	columns := map[string][]string{
		"ledger_tariffs":     {"hash", "edition"},
		"ledger_tariff_uses": {"tariff", "tariff_hash", "first_key"},
		"ledger_sweeps":      {"sdk_app_id", "swept_to"},
		"ledger_sweep_held":  {"sdk_app_id"},
		"ledger_apps":        {"sdk_app_id", "first_start"},
		"ledger_versions":    {"version", "oldest"},
		"ledger_entries":     columnNames(entryColumns),
		"ledger_log":         columnNames(batchColumns),
		"ledger_closes":      {"month", "checkpoint"},
	}
	for column := range strings.SplitSeq(heldColumns, ",") {
		columns["ledger_sweep_held"] = append(columns["ledger_sweep_held"], strings.TrimPrefix(strings.TrimSpace(column), "h."))
	}
	return columns
}

// ListQuery is the query of List.
func ListQuery(f Filter) (query string, args []any) { return listQuery(f, inBookedOrder) }

// SchemaText is the schema of the database in the form of the files in schema/.
func (l *Ledger) SchemaText(ctx context.Context) (engine, text string, err error) {
	objects, err := l.engine.schemaOf(ctx, l.read)
	for _, o := range objects {
		text += o.name + "\t" + o.definition + "\n"
	}
	return l.engine.name, text, err
}

// WritesConcurrently reports whether transactions of the engine of a URL write at
// the same time.
func WritesConcurrently(url string) bool {
	e, _, err := parseURL(url)
	return err == nil && e.openWriters != ""
}

// LeafAt is the leaf at an index of the log.
func (l *Ledger) LeafAt(ctx context.Context, index uint64) (ledgerlog.Hash, error) {
	n := ledgerlog.LeafNode(index)
	b, _, err := batchWhere(ctx, l.read, "WHERE first_index <= $1 ORDER BY first_index DESC LIMIT 1", index)
	if err != nil {
		return ledgerlog.Hash{}, err
	}
	return n.In(b.first, b.nodes)
}

// MigrateTo makes the tables of an earlier release.
func MigrateTo(ctx context.Context, url string, version int64) error {
	e, db, err := parseURL(url)
	if err != nil {
		return err
	}
	p, err := db.open(ctx, func(ctx context.Context, db *sql.DB, options ...goose.ProviderOption) error {
		provider, err := e.provider(ledgerTables, db, options...)
		if err != nil {
			return err
		}
		_, err = provider.UpTo(ctx, version)
		return err
	}, nil)
	return errors.Join(err, p.close())
}
