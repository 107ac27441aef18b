package ops

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"aftercall/internal/clock"
)

func TestCompareClocks(t *testing.T) {
	noon := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
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
