package callback

import (
	"context"

	"aftercall/activities"
	"aftercall/internal/tencent"
	"aftercall/workflows"
)

// WorkflowStarter starts the workflows of callbacks; launch.Calls implements it.
type WorkflowStarter interface {
	// Start starts AfterCall exactly once for a call. already reports that it
	// had been started before. After an error it may have been started.
	Start(ctx context.Context, p workflows.AfterCallParams, fingerprint string) (already bool, err error)
	// StartRelay starts Relay exactly once for a callback, as Start does AfterCall.
	StartRelay(ctx context.Context, p activities.RelayCallbackParams) (already bool, err error)
	// Started says how far a call is whose workflow was started before. It fails if
	// there is none.
	Started(ctx context.Context, app tencent.SDKAppID, callID string) (workflows.StartedCall, error)
	// Recheck makes a call that is in review only for lack of a record look for it
	// again, and leaves others alone.
	Recheck(ctx context.Context, app tencent.SDKAppID, callID string) error
	// Workers is how many workers poll the task queue of the workflows.
	Workers(ctx context.Context) (int, error)
}
