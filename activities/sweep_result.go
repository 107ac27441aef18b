package activities

import (
	"aftercall/internal/sweep"
	"aftercall/internal/tencent"
)

// SweepWindowParams is a window to list.
type SweepWindowParams struct {
	SDKAppID tencent.SDKAppID `json:"sdk_app_id"`
	Window   sweep.Window     `json:"window"`
	// Advance moves the app's progress to the end of the window.
	Advance bool `json:"advance"`
	// DryRun starts nothing.
	DryRun bool `json:"dry_run"`
	// Notify: see StartAgain.
	Notify bool `json:"notify,omitempty"`
}

// backfill reports whether an operator started it: then a recovered call does
// not mean that a callback was lost.
func (p SweepWindowParams) backfill() bool { return !p.Advance }

// SweepCounts are the calls of one or more windows by outcome.
type SweepCounts struct {
	Listed int `json:"listed"`
	// Known calls were in the ledger, have a running workflow, or were dismissed by
	// an operator.
	Known int `json:"known"`
	// Recovered calls were started, or would be started if it were no dry run.
	Recovered int `json:"recovered"`
	// Recharged calls had a workflow that has ended, but no entry in the ledger,
	// and were started again, or would be.
	Recharged int `json:"recharged,omitempty"`
	// HeldBack calls, rows and windows could not be started or listed, and are tried
	// again later by themselves.
	HeldBack int `json:"held_back,omitempty"`
	// Conflicts are calls without an entry whose workflow has failed. They are not
	// started again.
	Conflicts int `json:"conflicts,omitempty"`
	// Failed calls could not be started, as no call could; the next sweep retries
	// them.
	Failed int `json:"failed"`
	// BeforeGoLive calls ended before the app's go_live.
	BeforeGoLive int `json:"before_go_live"`
	// Unlisted records were counted by Tencent, but not listed.
	Unlisted int `json:"unlisted,omitempty"`
}

// Add returns the sum.
func (c SweepCounts) Add(o SweepCounts) SweepCounts {
	return SweepCounts{
		Listed: c.Listed + o.Listed, Known: c.Known + o.Known, Recovered: c.Recovered + o.Recovered, Recharged: c.Recharged + o.Recharged,
		HeldBack: c.HeldBack + o.HeldBack, Conflicts: c.Conflicts + o.Conflicts, Failed: c.Failed + o.Failed,
		BeforeGoLive: c.BeforeGoLive + o.BeforeGoLive, Unlisted: c.Unlisted + o.Unlisted,
	}
}

// SweepWindowResult are the calls of a window.
type SweepWindowResult struct {
	Counts SweepCounts `json:"counts"`
	// Split is set if the window could not be listed completely: list these instead.
	Split []sweep.Window `json:"split,omitempty"`
	// Examples are the CallIds of some recovered calls.
	Examples []string `json:"examples,omitempty"`
	// Failure is why the first of the Failed calls could not be started.
	Failure string `json:"failure,omitempty"`
}

// maxExamples limits the size of a result.
const maxExamples = 20
