package temporalclient

import "net/url"

// WorkflowURL is the address of a workflow's page in the Web UI at base. An
// empty runID means the latest run.
func WorkflowURL(base, namespace, workflowID, runID string) string {
	page := base + "/namespaces/" + url.PathEscape(namespace) + "/workflows/" + url.PathEscape(workflowID)
	if runID != "" {
		page += "/" + runID + "/history"
	}
	return page
}
