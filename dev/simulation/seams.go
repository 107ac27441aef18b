package simulation

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/interceptor"

	"aftercall/activities"
	"aftercall/dev/simulation/servermodel"
	"aftercall/internal/ledger"
	"aftercall/internal/tencent"
	"aftercall/starter/callback"
	"aftercall/workflows"
	"aftercall/workflows/launch"
)

var (
	errBefore = errors.New("simulated: nothing was done")
	errAfter  = errors.New("simulated: it was done, and the answer is lost")
	errReset  = errors.New("simulated: connection reset by peer")
)

// activitySeam makes attempts of activities fail before or after their effect.
type activitySeam struct {
	interceptor.WorkerInterceptorBase
	plan *Plan
}

// InterceptActivity implements interceptor.WorkerInterceptor.
func (s *activitySeam) InterceptActivity(_ context.Context, next interceptor.ActivityInboundInterceptor) interceptor.ActivityInboundInterceptor {
	return &activityFaults{ActivityInboundInterceptorBase: interceptor.ActivityInboundInterceptorBase{Next: next}, plan: s.plan}
}

type activityFaults struct {
	interceptor.ActivityInboundInterceptorBase
	plan *Plan
}

// ExecuteActivity implements interceptor.ActivityInboundInterceptor.
func (f *activityFaults) ExecuteActivity(ctx context.Context, in *interceptor.ExecuteActivityInput) (any, error) {
	info := activity.GetInfo(ctx)
	args, err := json.Marshal(in.Args)
	if err != nil {
		return nil, err
	}
	name := []string{info.WorkflowExecution.ID, info.ActivityType.Name, strconv.FormatUint(servermodel.Sum(args), 16)}
	if f.plan.strikes(ActivityBefore, name...) {
		return nil, errBefore
	}
	result, err := f.Next.ExecuteActivity(ctx, in)
	if err == nil && f.plan.strikes(ActivityAfter, name...) {
		return nil, errAfter
	}
	return result, err
}

// ledgerSeam is the real ledger behind a bad connection.
type ledgerSeam struct {
	*ledger.Ledger
	plan *Plan
}

// reach does a request, with the faults of the way there and back.
func (l ledgerSeam) reach(name string, do func() error) error {
	if l.plan.down(LedgerDown, "") || l.plan.strikes(LedgerBefore, name) {
		return errBefore
	}
	err := do()
	if err == nil && l.plan.strikes(LedgerAfter, name) {
		return errAfter
	}
	return err
}

// Charge implements activities.Ledger.
func (l ledgerSeam) Charge(ctx context.Context, e ledger.Entry) (stored ledger.Entry, inserted bool, err error) {
	err = l.reach("charge "+e.SDKAppID.String()+" "+e.CallID(), func() error {
		stored, inserted, err = l.Ledger.Charge(ctx, e)
		return err
	})
	return stored, inserted, err
}

// Get implements activities.Ledger.
func (l ledgerSeam) Get(ctx context.Context, app tencent.SDKAppID, callID string) (entries []ledger.Entry, err error) {
	err = l.reach("get "+app.String()+" "+callID, func() error {
		entries, err = l.Ledger.Get(ctx, app, callID)
		return err
	})
	return entries, err
}

// Known implements activities.SweepLedger.
func (l ledgerSeam) Known(ctx context.Context, app tencent.SDKAppID, callIDs []string) (known map[string]bool, err error) {
	err = l.reach("known "+app.String()+" "+strings.Join(slices.Sorted(slices.Values(callIDs)), " "), func() error {
		known, err = l.Ledger.Known(ctx, app, callIDs)
		return err
	})
	return known, err
}

// SweptTo implements activities.SweepLedger.
func (l ledgerSeam) SweptTo(ctx context.Context, app tencent.SDKAppID) (to time.Time, err error) {
	err = l.reach("swept to", func() error {
		to, err = l.Ledger.SweptTo(ctx, app)
		return err
	})
	return to, err
}

// SetSweptTo implements activities.SweepLedger.
func (l ledgerSeam) SetSweptTo(ctx context.Context, app tencent.SDKAppID, to time.Time, settle time.Duration) error {
	return l.reach("set swept to", func() error { return l.Ledger.SetSweptTo(ctx, app, to, settle) })
}

// temporalSeam implements servermodel.Faults.
type temporalSeam struct{ plan *Plan }

// Down implements servermodel.Faults.
func (s temporalSeam) Down() time.Time { return s.plan.downUntil(TemporalDown, "") }

// Answer implements servermodel.Faults.
func (s temporalSeam) Answer(request, workflowID string) (refuse, lose bool) {
	if s.plan.strikes(StartRefused, request, workflowID) {
		return true, false
	}
	return false, s.plan.strikes(StartAnswerLost, request, workflowID)
}

// LoseTask implements servermodel.Faults.
func (s temporalSeam) LoseTask(workflowID string, _ int32) bool {
	return s.plan.strikes(TaskLost, workflowID)
}

// LoseCache implements servermodel.Faults.
func (s temporalSeam) LoseCache(workflowID string, _ int64) bool {
	return s.plan.strikes(CacheLost, workflowID)
}

// LoseActivity implements servermodel.Faults.
func (s temporalSeam) LoseActivity(workflowID, activity string, _ int32) bool {
	return s.plan.strikes(ActivityLost, workflowID, activity)
}

// Unlisted implements servermodel.Faults.
func (s temporalSeam) Unlisted(workflowID string) bool { return s.plan.strikes(ListBehind, workflowID) }

// death is that of a starter while it answers a callback.
type death struct {
	before, between bool
	dead            atomic.Bool
}

type deathKey struct{}

var alive = &death{}

func deathOf(ctx context.Context) *death {
	if d, ok := ctx.Value(deathKey{}).(*death); ok {
		return d
	}
	return alive
}

// starterSeam implements callback.WorkflowStarter: the starter may die around a start.
type starterSeam struct{ launch.Calls }

var _ callback.WorkflowStarter = starterSeam{}

// Start implements callback.WorkflowStarter.
func (s starterSeam) Start(ctx context.Context, p workflows.AfterCallParams, fingerprint string) (already bool, err error) {
	return mortal(ctx, func() (bool, error) { return s.Calls.Start(ctx, p, fingerprint) })
}

// StartRelay implements callback.WorkflowStarter. No answer about the end of a call waits
// for it, so that a death in it would be before or after the answer by chance.
func (s starterSeam) StartRelay(ctx context.Context, p activities.RelayCallbackParams) (already bool, err error) {
	if p.Command == tencent.CommandAfterEndCall {
		return s.Calls.StartRelay(ctx, p)
	}
	return mortal(ctx, func() (bool, error) { return s.Calls.StartRelay(ctx, p) })
}

// mortal starts a workflow unless the starter dies before that.
func mortal(ctx context.Context, start func() (already bool, err error)) (already bool, err error) {
	d := deathOf(ctx)
	if d.before {
		d.dead.Store(true)
		return false, errBefore
	}
	already, err = start()
	if d.between {
		d.dead.Store(true)
	}
	return already, err
}
