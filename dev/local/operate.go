package local

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"

	"aftercall/internal/cli"
	"aftercall/starter/operator"
)

// Starter runs a command of the starter against the stack, with what it prints
// in out, and returns its exit code.
func (s *Stack) Starter(ctx context.Context, out io.Writer, args ...string) int {
	return operator.Run(ctx, cli.Process{Environ: s.Environ(), Stdout: out, Stderr: out}, args)
}

// Resend runs starter resend of a call, and returns the IDs of its workflows.
func (s *Stack) Resend(ctx context.Context, callID string, args ...string) ([]string, error) {
	var out bytes.Buffer
	if code := s.Starter(ctx, &out, append([]string{"resend", callID, "--output", "json"}, args...)...); code != cli.OK {
		return nil, fmt.Errorf("starter resend %s ended with %d: %s", callID, code, out.String())
	}
	var resent []struct {
		WorkflowID string `json:"workflow_id"`
	}
	if err := json.Unmarshal(out.Bytes(), &resent); err != nil {
		return nil, fmt.Errorf("starter resend %s: %w", callID, err)
	}
	ids := make([]string, len(resent))
	for i, r := range resent {
		ids[i] = r.WorkflowID
	}
	return ids, nil
}
