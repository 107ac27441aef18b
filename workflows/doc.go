// Package workflows is the orchestration of an ended call: what happens after
// what, what is waited for, and what a person sees of it in the Temporal Web
// UI. It does no I/O, reads no clock but the workflow's, and no configuration.
//
// Read types.go for the words, aftercall.go for the story, policies.go for how
// long things may take, and start.go for how a workflow is started exactly once.
package workflows
