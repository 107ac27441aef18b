package ledger

import (
	"database/sql"
	"strconv"
	"strings"

	"aftercall/internal/ledgerlog"
)

// firstLeafColumns is how many columns the first leaves had: all of these are in
// every leaf, unless they are NULL.
const firstLeafColumns = 31

// leafColumns are the columns of ledger_entries, in the order of the leaves. Those
// that are added to the ledger later follow at the end of entryColumns.
var leafColumns = columnNames(entryColumns)

// columnNames are the names in a list of columns of the table e.
func columnNames(list string) []string {
	names := strings.Split(list, ",")
	for i, name := range names {
		names[i] = strings.TrimPrefix(strings.TrimSpace(name), "e.")
	}
	return names
}

// fields are all columns of the entry, as they are in the database.
func (r *row) fields() ledgerlog.Fields {
	fields := make(ledgerlog.Fields, 0, len(leafColumns))
	for i, value := range r.columns() {
		field := ledgerlog.Field{Name: leafColumns[i]}
		null := false
		switch v := value.(type) {
		case *string:
			field.Text = *v
		case *[]byte:
			field.Text = string(*v)
		case *sql.NullString:
			field.Text, null = v.String, !v.Valid
		case *int:
			field.Text, field.Number = strconv.Itoa(*v), true
		case *int64:
			field.Text, field.Number = strconv.FormatInt(*v, 10), true
		case *uint64:
			field.Text, field.Number = strconv.FormatUint(*v, 10), true
		default:
			panic("ledger: a column of a type that no leaf can have: " + field.Name)
		}
		added := i >= firstLeafColumns && (field.Text == "" || field.Text == "0")
		if !null && !added {
			fields = append(fields, field)
		}
	}
	return fields
}
