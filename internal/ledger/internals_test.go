package ledger

import "strings"

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
		"ledger_tariffs":    {"hash", "edition"},
		"ledger_sweeps":     {"sdk_app_id", "swept_to"},
		"ledger_sweep_held": {"sdk_app_id"},
		"ledger_versions":   {"version", "oldest"},
	}
	for column := range strings.SplitSeq(heldColumns, ",") {
		columns["ledger_sweep_held"] = append(columns["ledger_sweep_held"], strings.TrimPrefix(strings.TrimSpace(column), "h."))
	}
	for column := range strings.SplitSeq(entryColumns, ",") {
		columns["ledger_entries"] = append(columns["ledger_entries"], strings.TrimPrefix(strings.TrimSpace(column), "e."))
	}
	return columns
}

// ListQuery is the query of List.
func ListQuery(f Filter) (query string, args []any) { return listQuery(f) }
