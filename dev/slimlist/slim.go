package slimlist

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	_ "modernc.org/sqlite" // the database/sql driver sqlite
)

const (
	table = "executions_visibility"
	// newestFirst is the index in the order of the list.
	newestFirst = "default_idx"
)

// fullText are the triggers and tables for attributes of the types Text and KeywordList.
var fullText = []string{
	"TRIGGER executions_visibility_ai", "TRIGGER executions_visibility_ad", "TRIGGER executions_visibility_au",
	"TABLE executions_visibility_fts_text", "TABLE executions_visibility_fts_keyword_list",
}

// Changes are what Make has changed.
type Changes struct {
	// Dropped indexes serve no query. Partial ones have only the rows with a value, and
	// Added ones were missing.
	Dropped, Partial, Added int
	// FullText is whether the list had a full-text search.
	FullText bool
}

// Any reports whether anything was changed.
func (c Changes) Any() bool { return c != Changes{} }

// index is an index of the list.
type index struct {
	name, sql string
	// column is the second of the index, after the namespace; empty for newestFirst.
	column string
}

// Make makes the list in a file of the development server slim: it keeps the indexes
// that Queries use, and no full-text search. Searches by other attributes read the list;
// those by attributes of the types Text and KeywordList fail. It changes nothing where a
// list is slim already. The server may run.
func Make(ctx context.Context, file string, columns Columns) (c Changes, err error) {
	options := url.Values{"mode": {"rw"}, "_txlock": {"immediate"}, "_pragma": {"busy_timeout(10000)"}}
	source := url.URL{Scheme: "file", Path: file, RawQuery: options.Encode()}
	db, err := sql.Open("sqlite", source.String())
	if err != nil {
		return c, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	indexes, err := read(ctx, db)
	if err != nil {
		return c, fmt.Errorf("read the indexes of %s: %w", file, err)
	}
	statements, c, err := plan(ctx, db, indexes, columns)
	if err != nil || len(statements) == 0 {
		return c, err
	}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return c, err
	}
	for _, statement := range statements {
		if _, err := tx.ExecContext(ctx, statement); err != nil {
			return c, errors.Join(fmt.Errorf("%s: %w", statement, err), tx.Rollback())
		}
	}
	return c, tx.Commit()
}

// read returns the indexes of the list. That of its key is not among them.
func read(ctx context.Context, db *sql.DB) (all []index, err error) {
	rows, err := db.QueryContext(ctx, `SELECT s.name, s.sql, coalesce(i.name, '') FROM sqlite_schema s, pragma_index_xinfo(s.name) i
		WHERE s.type = 'index' AND s.tbl_name = ? AND s.sql IS NOT NULL AND i.seqno = 1 ORDER BY s.rowid`, table)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var i index
		if err := rows.Scan(&i.name, &i.sql, &i.column); err != nil {
			return nil, err
		}
		all = append(all, i)
	}
	return all, rows.Err()
}

// plan returns the statements that make a list slim.
func plan(ctx context.Context, db *sql.DB, indexes []index, columns Columns) (statements []string, c Changes, err error) {
	template := slices.IndexFunc(indexes, func(i index) bool { return i.name == newestFirst })
	if template < 0 {
		return nil, c, fmt.Errorf("the list of workflows has no index %s: this server is unknown", newestFirst)
	}
	missing := map[string]bool{}
	for attribute := range attributes() {
		if column := columns.of(attribute); column != "" {
			missing[column] = true
		}
	}
	optional, err := names(ctx, db, "SELECT name FROM pragma_table_xinfo(?) WHERE NOT \"notnull\"", table)
	if err != nil {
		return nil, c, err
	}
	for _, i := range indexes {
		partial := optional[i.column]
		switch {
		case i.column == "" && i.name == newestFirst:
		case !missing[i.column]:
			statements = append(statements, "DROP INDEX "+i.name)
			c.Dropped++
		case partial && !strings.Contains(i.sql, " WHERE "):
			statements = append(statements, "DROP INDEX "+i.name, i.sql+where(i.column))
			c.Partial++
		}
		delete(missing, i.column)
	}
	for _, column := range slices.Sorted(maps.Keys(missing)) { // of an attribute that is new in the namespace
		added := strings.Replace(indexes[template].sql, newestFirst, "by_"+strings.ToLower(column), 1)
		added = strings.Replace(added, "namespace_id,", "namespace_id, "+column+",", 1)
		if optional[column] {
			added += where(column)
		}
		statements = append(statements, added)
		c.Added++
	}
	there, err := names(ctx, db, "SELECT upper(type) || ' ' || name FROM sqlite_schema WHERE type IN ('table', 'trigger')")
	if err != nil {
		return nil, c, err
	}
	for _, part := range fullText {
		if there[part] {
			statements = append(statements, "DROP "+part)
			c.FullText = true
		}
	}
	return statements, c, nil
}

func where(column string) string { return " WHERE " + column + " IS NOT NULL" }

func names(ctx context.Context, db *sql.DB, query string, args ...any) (map[string]bool, error) {
	rows, err := db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	all := map[string]bool{}
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, err
		}
		all[name] = true
	}
	return all, rows.Err()
}
