package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"aftercall/dev/local"
)

// printOwn prints what of a user's own configuration is simulated.
func printOwn(out io.Writer, s *local.Stack) {
	if names := s.Own.MadeUp; len(names) > 0 {
		fmt.Fprintln(out, "\nVariables that it names and that are not set have these values:")
		for _, name := range names {
			fmt.Fprintf(out, "  %s=%s\n", name, s.Own.Variables[name])
		}
	}
	fmt.Fprintln(out, "\nTencent's record API and the callbacks of every app are simulated.")
	var names []string
	for _, standIn := range s.Own.StandIns {
		names = append(names, standIn.Name)
	}
	if len(names) > 0 {
		fmt.Fprintln(out, "Sent to the stack instead of to the configured address:", strings.Join(names, ", "))
	}
	if len(s.Own.Kept) > 0 {
		fmt.Fprintln(out, "Sent to the configured address, because it is on this machine:", strings.Join(s.Own.Kept, ", "))
	}
}

// runFirstCalls lets a call of every app end, and prints what became of it.
func (p project) runFirstCalls(ctx context.Context, s *local.Stack) (callID string, err error) {
	fmt.Fprint(p.out, "\nA call of every app ends. Its record exists five seconds later …\n\n")
	calls, err := s.FirstCalls(ctx)
	if err != nil {
		return "", err
	}
	for _, call := range calls {
		fmt.Fprintln(p.out, call.Report)
	}
	return calls[0].CallID, nil
}
