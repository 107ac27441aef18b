package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"aftercall/dev/local"
)

// interrupted is an output whose reader presses Ctrl-C as soon as there is something.
type interrupted struct {
	bytes.Buffer
	interrupt context.CancelFunc
}

func (i *interrupted) Write(line []byte) (int, error) {
	i.interrupt()
	return i.Buffer.Write(line)
}

// TestStopWhileStarting makes sure that Ctrl-C is no error while the stack starts.
func TestStopWhileStarting(t *testing.T) {
	temporal, err := local.TemporalPath(t.Context(), "..")
	require.NoError(t, err)
	temporal, err = filepath.Abs(temporal)
	require.NoError(t, err)
	t.Setenv("TEMPORAL_BIN", temporal)
	root := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(root, "dev"), 0o700))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	out := &interrupted{interrupt: cancel}
	require.NoError(t, upCommand{FreePorts: true, List: "slim"}.Run(ctx, project{root: root, out: out}))
	require.Contains(t, out.String(), "Starting the stack.")
	require.Contains(t, out.String(), "Stopped before everything had started.")
}
