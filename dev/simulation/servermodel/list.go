package servermodel

import (
	"regexp"

	"go.temporal.io/api/serviceerror"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/protobuf/proto"
)

// The one List Filter that the services use: running workflows with given IDs.
var (
	runningByID = regexp.MustCompile(`^ExecutionStatus = 'Running' AND WorkflowId IN \((.*)\)$`)
	quoted      = regexp.MustCompile(`'([^']*)'`)
)

// list answers from a list that may be behind.
func (s *Server) list(r *workflowservice.ListWorkflowExecutionsRequest) (proto.Message, error) {
	match := runningByID.FindStringSubmatch(r.Query)
	if match == nil {
		return nil, serviceerror.NewInvalidArgument("the model of the server does not know the query " + r.Query)
	}
	var found []*workflowpb.WorkflowExecutionInfo
	for _, id := range quoted.FindAllStringSubmatch(match[1], -1) {
		if e := s.latest[id[1]]; e != nil && e.running() && !s.Faults.Unlisted(e.id) {
			found = append(found, e.info())
		}
	}
	return &workflowservice.ListWorkflowExecutionsResponse{Executions: found}, nil
}
