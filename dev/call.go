package main

import (
	"context"
	"fmt"
	"time"

	"aftercall/dev/local"
	"aftercall/dev/tencentsim"
	"aftercall/internal/tencent"
	"aftercall/workflows"
)

type callCommand struct {
	App         string             `help:"Name or SDKAppID of the app, clinic or tutoring unless the stack serves your own configuration; default: the first one."`
	CallID      string             `help:"CallId; default: a new UUID."`
	Media       tencent.MediaType  `help:"Audio or Video." enum:"Audio,Video" default:"Audio"`
	Seconds     int64              `help:"Connected time in seconds; 0 for a call that was never accepted." default:"61"`
	Ring        int64              `help:"Ringing time in seconds." default:"8"`
	Result      tencent.CallResult `help:"Cancel, Reject, NotAnswer, NormalEnd, CallBusy, Interrupt or Offline; default: NormalEnd, or NotAnswer for 0 seconds." enum:"Cancel,Reject,NotAnswer,NormalEnd,CallBusy,Interrupt,Offline," default:""`
	Group       int                `help:"Number of members, including the caller." default:"2"`
	Duplicates  int                `help:"How many more times the callback is posted." default:"0"`
	Concurrent  bool               `help:"Post the callback and its duplicates at the same time."`
	RecordAfter int64              `help:"Seconds from the end of the call until its record exists; 0 for Tencent's 5." default:"0"`
	Callback    string             `help:"CallRecord fields, as JSON, in which the callback differs from the record, such as {\"AcceptTime\":1}."`
	EndedAgo    int64              `help:"Seconds since the call ended." default:"0"`
	Timeout     time.Duration      `help:"How long to wait for the workflow to end." default:"2m"`
}

func (c callCommand) spec(app tencent.SDKAppID) tencentsim.CallSpec {
	spec := tencentsim.CallSpec{
		SDKAppID: app, CallID: c.CallID, Media: c.Media, Seconds: c.Seconds, RingSeconds: c.Ring, Result: c.Result,
		GroupSize: c.Group, Duplicates: c.Duplicates, Concurrent: c.Concurrent, RecordAfterSeconds: c.RecordAfter,
		EndedAgoSeconds: c.EndedAgo,
	}
	if c.Callback != "" {
		spec.Callback = []byte(c.Callback)
	}
	return spec
}

// Run simulates the call and follows its workflow.
func (c callCommand) Run(ctx context.Context, p project) error {
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	remote, err := local.Connect(p.runningDir())
	if err != nil {
		return err
	}
	defer remote.Close()
	app, err := remote.Info().App(c.App)
	if err != nil {
		return err
	}
	call, err := remote.Place(ctx, c.spec(app.SDKAppID))
	if err != nil {
		return err
	}
	r := call.Record
	fmt.Fprintf(p.out, "%s  call ended: %s, %s, %d members, %d s connected, CallId %s\n",
		clock(), r.MediaType, r.Result, len(r.Members), r.ConnectedSeconds(), r.CallID)
	fmt.Fprintf(p.out, "%s  waiting for its workflow: %s\n", clock(), remote.Link(local.Execution{WorkflowID: local.WorkflowID(call)}))
	status, err := local.AwaitSettled(ctx, remote.Temporal, call)
	if err != nil {
		return fmt.Errorf("call %s: %w", r.CallID, err)
	}
	switch status.Stage {
	case workflows.StageReview:
		fmt.Fprintf(p.out, "%s  not charged: a person must decide. See why: make aftercall ARGS=\"call %s\"\n", clock(), r.CallID)
		return nil
	case workflows.StageNotify:
		fmt.Fprintf(p.out, "%s  charged, but a target has not accepted its event yet. See why: make aftercall ARGS=\"call %s\"\n", clock(), r.CallID)
		return nil
	default:
	}
	followed, err := local.Follow(ctx, remote.Temporal, call)
	if err != nil {
		return err
	}
	if call, err = remote.Call(ctx, call); err != nil {
		return err
	}
	for _, d := range call.Callbacks {
		fmt.Fprintf(p.out, "%s  callback %d: HTTP %d after %d ms %s\n", d.SentAt.Local().Format(time.TimeOnly), d.Number, d.Status, d.LatencyMS, d.Error)
	}
	if followed.Err != nil {
		return fmt.Errorf("the workflow ended with status %s: %w", followed.Status, followed.Err)
	}
	result := followed.Result
	fmt.Fprintf(p.out, "%s  %s: %d s connected, %d s billed, %s %s, ledger entry %s\n",
		clock(), result.Outcome, result.ConnectedSeconds, result.BilledSeconds, result.Amount, result.Currency, result.LedgerKey)
	for _, d := range result.Deliveries {
		state := "delivered to"
		if !d.Delivered {
			state = "NOT delivered (" + d.Error + ") to"
		}
		fmt.Fprintf(p.out, "%s  %s %s\n", clock(), state, d.Target)
	}
	fmt.Fprintf(p.out, "%s  %s, %d events, %d state transitions: %s\n",
		clock(), followed.Status, followed.Events, followed.Transitions, remote.Link(followed))
	return nil
}

func clock() string { return time.Now().Format(time.TimeOnly) }
