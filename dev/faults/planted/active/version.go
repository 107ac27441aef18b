package active

import (
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
)

// OtherCommands makes a worker that of a later release: every workflow begins with a
// marker. What earlier code has begun goes on as it was, as the rules for changes of
// workflows require, but earlier code cannot replay what this worker has begun.
func OtherCommands(o *worker.Options) {
	o.Interceptors = append(o.Interceptors, &otherCommands{})
}

type otherCommands struct {
	interceptor.WorkerInterceptorBase
}

// InterceptWorkflow implements interceptor.WorkerInterceptor.
func (*otherCommands) InterceptWorkflow(_ workflow.Context, next interceptor.WorkflowInboundInterceptor) interceptor.WorkflowInboundInterceptor {
	return &beginsWithMarker{interceptor.WorkflowInboundInterceptorBase{Next: next}}
}

type beginsWithMarker struct {
	interceptor.WorkflowInboundInterceptorBase
}

// ExecuteWorkflow implements interceptor.WorkflowInboundInterceptor.
func (w *beginsWithMarker) ExecuteWorkflow(ctx workflow.Context, in *interceptor.ExecuteWorkflowInput) (any, error) {
	if workflow.GetVersion(ctx, "begins with a marker", workflow.DefaultVersion, 1) == 1 {
		workflow.SideEffect(ctx, func(workflow.Context) any { return "of a later release" })
	}
	return w.Next.ExecuteWorkflow(ctx, in)
}
