package temporalclient

import "net/url"

// WorkflowURL is the page of a workflow in the Web UI at base: of one run, or
// of the latest for an empty runID.
func WorkflowURL(base, namespace, workflowID, runID string) string {
	page := base + "/namespaces/" + url.PathEscape(namespace) + "/workflows/" + url.PathEscape(workflowID)
	if runID != "" {
		page += "/" + runID + "/history"
	}
	return page
}
