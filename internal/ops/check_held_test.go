package ops

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"aftercall/internal/ledger"
	"aftercall/internal/testenv/testconfig"
)

// TestHeldBackIsShown: check is red while something is held back, and the status
// of the sweep lists it.
func TestHeldBackIsShown(t *testing.T) {
	url := "sqlite:" + filepath.Join(t.TempDir(), "ledger.db")
	l, err := ledger.Open(t.Context(), url, ledger.Options{})
	require.NoError(t, err)
	defer l.Close()
	path := filepath.Join(t.TempDir(), "aftercall.yaml")
	require.NoError(t, testconfig.New().Write(path))
	d := New(t.Context(), map[string]string{"LEDGER_URL": url, "AFTERCALL_CONFIG": path, "TEMPORAL_ADDRESS": "127.0.0.1:1"}, t.Output())
	defer d.Close()
	detail, err := probeHeld(t.Context(), d)
	require.NoError(t, err)
	require.Equal(t, "no call that the sweeps cannot start", detail)

	key := ledger.HeldRowKey("abc")
	require.NoError(t, l.HoldBack(t.Context(), 1400000000, ledger.Held{Key: key, Reason: "CallId: must be text", Item: `{"CallId":[7]}`}))
	_, err = probeHeld(t.Context(), d)
	require.ErrorContains(t, err, "calls that cannot be started: 1 of clinic, the oldest since ")
	require.ErrorContains(t, err, "CallId: must be text")
	var detailed *Error
	require.ErrorAs(t, err, &detailed)
	require.Contains(t, detailed.Cure, "aftercall sweep status")

	app, err := d.App("clinic")
	require.NoError(t, err)
	app.Sweep.Every = 0 // whose schedule is not asked for
	s := d.sweepStatus(t.Context(), app)
	require.Len(t, s.HeldBack, 1)
	require.Equal(t, key, s.HeldBack[0].Key)
	require.Equal(t, 1, s.HeldBack[0].Attempts)
	require.Equal(t, `{"CallId":[7]}`, s.HeldBack[0].Item)

	require.NoError(t, l.Release(t.Context(), 1400000000, key))
	_, err = probeHeld(t.Context(), d)
	require.NoError(t, err)
}
