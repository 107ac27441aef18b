package slimlist

import (
	"context"
	"fmt"
	"strings"

	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
)

// systemColumns are the columns of attributes that every workflow has. Those of other
// attributes of the server have the names of the attributes.
var systemColumns = map[string]string{
	byID: "workflow_id", byType: "workflow_type_name", byStatus: "status", byRoot: "root_workflow_id", byParent: "parent_workflow_id",
	"RunId": "run_id", "RootRunId": "root_run_id", "ParentRunId": "parent_run_id", "StartTime": "start_time",
}

// Columns are the columns of the search attributes of a namespace, such as Keyword03 for
// CallStage. The server chooses them at random.
type Columns map[string]string

// ReadColumns asks the server for the columns of a namespace.
func ReadColumns(ctx context.Context, c client.Client, namespace string) (Columns, error) {
	described, err := c.WorkflowService().DescribeNamespace(ctx, &workflowservice.DescribeNamespaceRequest{Namespace: namespace})
	if err != nil {
		return nil, fmt.Errorf("describe the namespace %s: %w", namespace, err)
	}
	columns := Columns{}
	for column, attribute := range described.GetConfig().GetCustomSearchAttributeAliases() {
		columns[attribute] = column
	}
	return columns, nil
}

// of returns the column of an attribute, empty if the namespace has no such attribute.
func (c Columns) of(attribute string) string {
	if column, custom := c[attribute]; custom {
		return column
	}
	if column, system := systemColumns[attribute]; system {
		return column
	}
	if strings.HasPrefix(attribute, "Temporal") {
		return attribute
	}
	return ""
}
