package slimlist

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// words are the parts of a filter: texts in quotes, and names, which may have others.
var words = regexp.MustCompile("'[^']*'|\"[^\"]*\"|`?[A-Za-z]\\w*`?")

// statuses are the values of ExecutionStatus by the numbers that the list has.
var statuses = []string{"", "Running", "Completed", "Failed", "Canceled", "Terminated", "ContinuedAsNew", "TimedOut"}

// selectOf is the statement by which the server lists what a filter finds, as its
// common/persistence/visibility/store/sql/query_converter_sqlite.go makes it.
func selectOf(columns Columns, filter string) string {
	const closed = "coalesce(close_time, '9999-12-31 23:59:59+00:00')"
	where := words.ReplaceAllStringFunc(filter, func(word string) string {
		name := strings.Trim(word, "`")
		switch {
		case strings.ContainsAny(word[:1], `'"`):
			text := word[1 : len(word)-1]
			if status := slices.Index(statuses, text); status > 0 {
				return fmt.Sprint(status)
			}
			return "'" + text + "'"
		case name == "CloseTime":
			return closed
		case columns.of(name) != "":
			return columns.of(name)
		}
		return word
	})
	if where != "" {
		where = " AND (" + where + ")"
	}
	if !strings.Contains(where, byDivision) {
		where += " AND TemporalNamespaceDivision is null"
	}
	return "SELECT namespace_id, run_id, workflow_type_name, workflow_id, memo FROM " + table +
		" WHERE namespace_id = ?" + where + " ORDER BY " + closed + " DESC, start_time DESC, run_id LIMIT ?"
}
