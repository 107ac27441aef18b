package cli

import (
	"bytes"
	"context"
	"errors"
	"io"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestProcesses(t *testing.T) {
	var stderr bytes.Buffer
	process := Process{
		Environ: map[string]string{"A": "b"}, Stdout: io.Discard, Stderr: &stderr,
		Worker: func(_ context.Context, environ map[string]string, _ io.Writer) error {
			require.Equal(t, "b", environ["A"])
			return nil
		},
		Starter: func(context.Context, map[string]string, io.Writer) error { return errors.New("no port is free") },
	}
	require.Equal(t, OK, RunWorker(t.Context(), process, nil))
	require.Equal(t, OK, Run(t.Context(), process, []string{"worker"}))
	require.Empty(t, stderr.String())

	require.Equal(t, Failed, RunStarter(t.Context(), process, nil))
	require.Equal(t, "starter: no port is free\n", stderr.String())
	stderr.Reset()
	require.Equal(t, Usage, RunWorker(t.Context(), process, []string{"ledger", "list"}))
	require.Equal(t, "worker: takes no arguments; its commands are now those of aftercall, as in: aftercall ledger list\n  → see aftercall --help\n", stderr.String())
}
