package local

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"aftercall/internal/cli"
	"aftercall/workflows"
)

// CommandResult is the exit code and the output of a command.
type CommandResult struct {
	Code           int
	Stdout, Stderr string
}

// Err returns an error with the command's error output, unless its exit code is 0.
func (r CommandResult) Err() error {
	if r.Code == cli.OK {
		return nil
	}
	return fmt.Errorf("exit code %d: %w", r.Code, errors.New(r.Stdout+r.Stderr))
}

// Command runs a command of aftercall against the stack.
func (s *Stack) Command(ctx context.Context, args ...string) CommandResult {
	var stdout, stderr bytes.Buffer
	code := cli.Run(ctx, cli.Process{Environ: s.Environ(), Stdout: &stdout, Stderr: &stderr}, args)
	return CommandResult{Code: code, Stdout: stdout.String(), Stderr: stderr.String()}
}

// Resend resends the notifications of a call, and returns the IDs of the
// workflows that deliver them.
func (s *Stack) Resend(ctx context.Context, callID string, args ...string) ([]string, error) {
	result := s.Command(ctx, append([]string{"resend", callID, "--output", "json"}, args...)...)
	if err := result.Err(); err != nil {
		return nil, fmt.Errorf("resend %s: %w", callID, err)
	}
	var resent []struct {
		WorkflowID string `json:"workflow_id"`
	}
	if err := json.Unmarshal([]byte(result.Stdout), &resent); err != nil {
		return nil, fmt.Errorf("resend %s: %w", callID, err)
	}
	ids := make([]string, len(resent))
	for i, r := range resent {
		ids[i] = r.WorkflowID
	}
	return ids, nil
}

// decideArgs returns the command line for a decision about a call.
func decideArgs(callID string, d workflows.DecideParams) []string {
	args := []string{"review", "decide", callID, "--verdict", string(d.Verdict), "--operator", d.By, "--reason", d.Reason}
	if d.ConnectedSeconds != 0 {
		args = append(args, "--connected-seconds", strconv.FormatInt(d.ConnectedSeconds, 10))
	}
	return args
}
