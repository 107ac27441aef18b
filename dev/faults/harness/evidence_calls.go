package main

import (
	"cmp"
	"context"
	"errors"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"

	"aftercall/dev/faults/checker"
	"aftercall/dev/faults/members"
	"aftercall/dev/local"
	"aftercall/dev/tencentsim"
	"aftercall/internal/tencent"
)

// calls gathers what became of the calls, and of those that malformed callbacks have
// made up: their CallId is another one.
func (w *world) calls(ctx context.Context, e *checker.Evidence) error {
	w.mu.Lock()
	placed := w.placed
	w.mu.Unlock()
	madeUp := map[tencent.SDKAppID]map[string]tencentsim.Call{clinic: {}, tutoring: {}, seminar: {}}
	for _, c := range placed {
		posted, _ := w.stack.Tencent.Call(c.spec.SDKAppID, c.spec.CallID)
		var own []tencentsim.PostedCallback
		for _, p := range aboutTheEnd(posted.Callbacks) {
			switch id := callIDIn(p); id {
			case c.spec.CallID:
				own = append(own, p)
			case "":
				if p.Status == 200 {
					e.Problems = append(e.Problems, "a callback of call "+c.String()+" that cannot be read was answered OK")
				}
			default:
				call, known := madeUp[c.spec.SDKAppID][id]
				if !known {
					call = c.call
					call.Record.CallID, call.Callbacks = id, nil
				}
				call.Callbacks = append(call.Callbacks, p)
				madeUp[c.spec.SDKAppID][id] = call
			}
		}
		known := c.known(nameOf(c.spec.SDKAppID))
		known.Claims = members.Claims(c.spec.CallID, own)
		if c.spec.SDKAppID == seminar {
			known.Sent = members.Sent(posted)
		}
		e.Calls = append(e.Calls, known)
		if err := w.workflow(ctx, c.call, own, e); err != nil {
			return err
		}
	}
	for id, calls := range madeUp {
		for callID, call := range calls {
			e.Calls = append(e.Calls, checker.Call{App: nameOf(id), CallID: callID, End: call.Record.EndTime, Claims: members.Claims(callID, call.Callbacks)})
			if err := w.workflow(ctx, call, call.Callbacks, e); err != nil {
				return err
			}
		}
	}
	return nil
}

// callIDIn is the CallId of a callback as the starter reads it, empty if it cannot.
func callIDIn(p tencentsim.PostedCallback) string {
	read, err := decodedCallback(p)
	if err != nil {
		return ""
	}
	return read.CallID
}

func decodedCallback(p tencentsim.PostedCallback) (tencent.Callback, error) {
	return tencent.DecodeCallback(tencent.ParseQuery("CallbackCommand="+string(p.Command)), p.Body)
}

// known is the call as Tencent knows it.
func (c placedCall) known(app string) checker.Call {
	r := c.call.Record
	known := checker.Call{
		App: app, CallID: r.CallID, Caller: r.Caller, Media: string(r.MediaType), Type: string(r.CallType), Result: string(r.Result),
		Start: r.StartTime, Accept: r.AcceptTime, End: r.EndTime, Recorded: c.recorded, Clean: c.clean,
		Members: r.Members, SeenBefore: r.EndedAt().Add(evidenceWait - evidenceMargin),
	}
	for _, member := range r.Members {
		if member != r.Caller {
			known.Participants++
			known.FirstCallee = cmp.Or(known.FirstCallee, member)
		}
	}
	for _, odd := range c.spec.OddRecord {
		if cannotBeRead(odd) {
			known.Unreadable = true
			continue
		}
		for field, text := range map[string]*string{
			"Caller_Account": &known.Caller, "MediaType": &known.Media, "CallType": &known.Type, "CallResult": &known.Result,
		} {
			if odd.Field == field {
				*text = "" // or a value that is not known, which is the same
			}
		}
		for field, at := range map[string]*int64{"StartTime": &known.Start, "AcceptTime": &known.Accept, "EndTime": &known.End} {
			switch {
			case odd.Field == field && isNothing(odd):
				*at = 0
			case odd.Field == field && odd.Kind == tencentsim.OddNegative:
				*at = -1
			}
		}
	}
	return known
}

// workflow notes what became of the workflow of a call. A callback may only be answered
// OK when it has been started.
func (w *world) workflow(ctx context.Context, call tencentsim.Call, posted []tencentsim.PostedCallback, e *checker.Evidence) error {
	id, about := local.WorkflowID(call), checker.ID{App: nameOf(call.SDKAppID), CallID: call.Record.CallID}
	var started time.Time
	description, err := w.stack.Temporal.DescribeWorkflowExecution(ctx, id, "")
	switch info := description.GetWorkflowExecutionInfo(); {
	case errors.As(err, new(*serviceerror.NotFound)):
	case err != nil:
		return err
	default:
		started = info.GetStartTime().AsTime()
		switch info.GetStatus() {
		case enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED:
		case enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING:
			e.Stuck = append(e.Stuck, "workflow "+id)
		default:
			e.Problems = append(e.Problems, "workflow "+id+" is "+info.GetStatus().String())
		}
	}
	e.Operations = append(e.Operations, operations(about, posted, started)...)
	for _, d := range posted {
		if d.Status != 200 {
			continue
		}
		e.Answers = append(e.Answers, checker.Answer{
			App: about.App, CallID: about.CallID, At: members.Answered(d), Known: !started.IsZero() && !started.After(members.Answered(d)),
		})
	}
	return nil
}
