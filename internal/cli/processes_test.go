package cli

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"aftercall/internal/config"
	"aftercall/internal/ledger"
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

// TestWorkerAcceptsEditedTariffs: the flag is the variable, for aftercall worker and for
// the program worker, and what is refused is wrong in the configuration.
func TestWorkerAcceptsEditedTariffs(t *testing.T) {
	var stderr bytes.Buffer
	accepted := ""
	process := Process{
		Environ: map[string]string{}, Stdout: io.Discard, Stderr: &stderr,
		Worker: func(_ context.Context, environ map[string]string, _ io.Writer) error {
			accepted = environ["AFTERCALL_ACCEPT_EDITED_TARIFF"]
			return nil
		},
	}
	flags := []string{"--accept-edited-tariff", "standard", "--accept-edited-tariff=in-yen"}
	require.Equal(t, OK, Run(t.Context(), process, append([]string{"worker"}, flags...)), stderr.String())
	require.Equal(t, []string{"standard", "in-yen"}, []string(config.AcceptedTariffs(map[string]string{"AFTERCALL_ACCEPT_EDITED_TARIFF": accepted})))
	require.Empty(t, process.Environ)
	process.Environ["AFTERCALL_ACCEPT_EDITED_TARIFF"] = "other"
	require.Equal(t, OK, RunWorker(t.Context(), process, flags[2:]), stderr.String())
	require.Equal(t, []string{"in-yen", "other"}, []string(config.AcceptedTariffs(map[string]string{"AFTERCALL_ACCEPT_EDITED_TARIFF": accepted})))
	require.Equal(t, Usage, RunWorker(t.Context(), process, []string{"--force"}))
	require.Contains(t, stderr.String(), "unknown flag --force")

	stderr.Reset()
	process.Worker = func(context.Context, map[string]string, io.Writer) error {
		return errors.Join(&ledger.EditedError{Edited: []ledger.EditedTariff{{}, {}}}, nil)
	}
	require.Equal(t, Usage, RunWorker(t.Context(), process, nil))
	require.Equal(t, 2, strings.Count(stderr.String(), "was edited after calls were charged by it"))
	require.Equal(t, 2, strings.Count(stderr.String(), "\n"), "a line for each")
}
