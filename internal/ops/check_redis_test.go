package ops

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"aftercall/internal/presence"
)

func TestRedisSpeed(t *testing.T) {
	const answers, timeout = "redis://cache answers in a while", 200 * time.Millisecond
	for took, want := range map[time.Duration]string{
		time.Millisecond:       answers,
		60 * time.Millisecond:  answers + ": slow, but used, because AFTERCALL_REDIS_TIMEOUT is 200ms",
		200 * time.Millisecond: answers + ": slow, but used, because AFTERCALL_REDIS_TIMEOUT is 200ms",
	} {
		detail, err := redisSpeed(answers, took, timeout)
		require.NoError(t, err)
		require.Equal(t, want, detail)
	}
	_, err := redisSpeed(answers, 201*time.Millisecond, timeout)
	require.ErrorContains(t, err, "longer than starter and worker wait for it (200ms): they work without it")
}

func TestJudgeStarters(t *testing.T) {
	since := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	alive := presence.Process{Role: presence.Starter, Host: "edge-1"}
	silent := presence.Process{Role: presence.Starter, Host: "edge-2", SilentSince: since}
	before := presence.Process{Role: presence.Starter, Host: "edge-3", SilentSince: since.Add(-time.Minute)}
	for name, c := range map[string]struct {
		known  []presence.Process
		status FindingStatus
		detail string
	}{
		"none":    {nil, FindingFailed, "none has reported in the last hour"},
		"alive":   {[]presence.Process{alive, alive}, FindingOK, "2 alive"},
		"one not": {[]presence.Process{before, silent, alive}, FindingWarning, "1 alive, but the starter on edge-2 has been silent since 2026-11-26T12:00:00Z"},
		"all not": {[]presence.Process{before, silent}, FindingFailed, "none is alive; the last one, the starter on edge-2, reported at 2026-11-26T12:00:00Z"},
	} {
		t.Run(name, func(t *testing.T) {
			detail, err := judgeStarters(c.known)
			f := newFinding(startersProbe, "", detail, err)
			require.Equal(t, c.status, f.Status)
			require.Equal(t, c.detail, f.Detail)
			require.Equal(t, c.status != FindingOK, f.Cure != "")
		})
	}
}
