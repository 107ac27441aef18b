package ops

import (
	"encoding/json"
	"fmt"
)

// webUIColumns are the columns of the list of calls in Temporal's Web UI, by
// their titles there: its own, and search attributes.
var webUIColumns = []string{"Status", "CallMedia", "CallType", "CallResult", "CallStage", "CallApp", "CallSource", "Start", "Workflow ID"}

// WebUIColumns returns what a browser must run on a page of Temporal's Web UI to
// show calls with their search attributes. The columns of other namespaces stay.
func (d *Deps) WebUIColumns() (string, error) {
	_, namespace, err := d.Temporal()
	if err != nil {
		return "", err
	}
	key, err := json.Marshal(namespace)
	if err != nil {
		return "", err
	}
	columns, err := json.Marshal(webUIColumns)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf(`localStorage.setItem("namespace-workflow-table-columns", JSON.stringify({
  ...JSON.parse(localStorage.getItem("namespace-workflow-table-columns")),
  %s: %s
    .map((label) => ({ label })),
}))
`, key, columns), nil
}
