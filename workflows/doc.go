// Package workflows orchestrates an ended call: the order of the steps, what is
// waited for, and what a person sees in the Temporal Web UI. It does no I/O,
// reads no clock but the workflow's, and no configuration.
//
// Start with types.go for the terms and aftercall.go for the steps of a call.
// wait.go is the wait for the call record, local_first.go and
// activity_options.go how a step is run and retried, start.go how a workflow is
// started exactly once, register.go the registered names.
package workflows
