package ops

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"aftercall/internal/clock"
	"aftercall/internal/ledger"
	"aftercall/internal/presence"
)

var noon = time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)

func TestCompareClocks(t *testing.T) {
	answers := func(name string, at time.Time, err error) clock.Source {
		return clock.Source{Name: name, Read: func(context.Context) (time.Time, error) { return at, err }}
	}
	down := errors.New("connection refused")
	for name, c := range map[string]struct {
		ahead  time.Duration
		redis  error
		detail string
		status FindingStatus
	}{
		"they agree":    {2 * time.Second, nil, "this machine agrees with temporal, redis", FindingOK},
		"redis is down": {0, down, "this machine agrees with temporal", FindingOK},
		"seconds":       {-3 * time.Second, nil, "the clock of this machine is 3s behind that of temporal", FindingWarning},
		"a minute":      {time.Minute, nil, "the clock of this machine is 1m0s ahead of that of temporal", FindingWarning},
		"more":          {10 * time.Minute, down, "the clock of this machine is 10m0s ahead of that of temporal", FindingFailed},
	} {
		t.Run(name, func(t *testing.T) {
			detail, err := compareClocks(t.Context(), func() time.Time { return noon.Add(c.ahead) },
				[]clock.Source{answers("temporal", noon, nil), answers("redis", noon, c.redis)})
			f := newFinding(clockProbe, "", detail, err)
			require.Equal(t, c.status, f.Status)
			require.Equal(t, c.detail, f.Detail)
			require.Equal(t, c.status != FindingOK, f.Cure != "")
		})
	}
	_, err := compareClocks(t.Context(), time.Now, []clock.Source{answers("temporal", noon, down)})
	require.Equal(t, FindingUnknown, newFinding(clockProbe, "", "", err).Status)
}

func TestJudgeProcessClocks(t *testing.T) {
	starter := func(ahead time.Duration) presence.Process {
		return presence.Process{Role: presence.Starter, Host: "edge-1", Ahead: ahead}
	}
	worker := func(ahead time.Duration) presence.Process {
		return presence.Process{Role: presence.Worker, Host: "host-2", Ahead: ahead}
	}
	for name, c := range map[string]struct {
		living []presence.Process
		detail string
		status FindingStatus
	}{
		"none":        {nil, "those of 0 starters and workers are right", FindingOK},
		"all agree":   {[]presence.Process{starter(2 * time.Second), worker(-2 * time.Second)}, "those of 2 starters and workers are right", FindingOK},
		"seconds":     {[]presence.Process{starter(3 * time.Second), worker(0)}, "the clock of the starter on edge-1 is 3s ahead of the others", FindingWarning},
		"a minute":    {[]presence.Process{starter(-time.Minute)}, "the clock of the starter on edge-1 is 1m0s behind the others", FindingWarning},
		"ten minutes": {[]presence.Process{starter(0), worker(-10 * time.Minute)}, "the clock of the worker on host-2 is 10m0s behind the others", FindingFailed},
		"several on a host, and another": {
			[]presence.Process{starter(3 * time.Second), worker(10 * time.Minute), worker(10 * time.Minute)},
			"the clock of the starter on edge-1 is 3s ahead of the others; the clock of the worker on host-2 is 10m0s ahead of the others", FindingFailed,
		},
	} {
		t.Run(name, func(t *testing.T) {
			detail, err := judgeProcessClocks(c.living)
			f := newFinding(processClocksProbe, "", detail, err)
			require.Equal(t, c.status, f.Status)
			require.Equal(t, c.detail, f.Detail)
			require.Equal(t, c.status != FindingOK, f.Cure != "")
		})
	}
}

// TestNow is on a machine whose clock is wrong, and Temporal cannot be asked.
func TestNow(t *testing.T) {
	url := "sqlite:" + filepath.Join(t.TempDir(), "ledger.db")
	l, err := ledger.Open(t.Context(), url, ledger.Options{})
	require.NoError(t, err)
	defer l.Close()
	d := New(t.Context(), map[string]string{"LEDGER_URL": url, "TEMPORAL_ADDRESS": "127.0.0.1:1"}, t.Output())
	defer d.Close()
	d.machineNow = func() time.Time { return time.Now().Add(10 * time.Minute) }
	require.WithinDuration(t, time.Now(), d.now(t.Context()), time.Minute)

	alone := New(t.Context(), map[string]string{"LEDGER_URL": url + "-missing", "TEMPORAL_ADDRESS": "127.0.0.1:1"}, t.Output())
	defer alone.Close()
	alone.machineNow = func() time.Time { return noon }
	require.Equal(t, noon, alone.now(t.Context()), "nothing else is known")
}
