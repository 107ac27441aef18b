package callback

import (
	"context"

	"aftercall/activities"
	"aftercall/internal/tencent"
	"aftercall/workflows"
)

// Calls starts the workflows of ended calls; launch.Calls does.
type Calls interface {
	// Start starts AfterCall exactly once. already reports that the workflow
	// had been started before. On an error the start may yet have happened.
	Start(ctx context.Context, p workflows.AfterCallParams, fingerprint string) (already bool, err error)
	// StartRelay starts Relay exactly once for a callback.
	StartRelay(ctx context.Context, p activities.ForwardParams) (already bool, err error)
	// FirstFingerprint is that of the callback that started the workflow, and
	// empty if none did.
	FirstFingerprint(ctx context.Context, app tencent.SDKAppID, callID string) (string, error)
}
