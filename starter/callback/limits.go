package callback

import (
	"context"
	"errors"

	"aftercall/internal/tencent"
)

// Limits bound how many workflows the callbacks of an app start. They are far
// above the rate of real calls: whoever knows the callback URL must not be able
// to fill Temporal and the list of reviews. A limit that is nil permits all.
type Limits struct {
	Calls  Limit
	Relays Limit
}

// Limit says whether an app may start one more workflow now. Callbacks that are
// known to be duplicates do not ask.
type Limit interface {
	Take(ctx context.Context, app tencent.SDKAppID) bool
}

var errThrottled = errors.New("over the limit of callbacks that start a workflow")

func allowed(ctx context.Context, limit Limit, app tencent.SDKAppID) bool {
	return limit == nil || limit.Take(ctx, app)
}
