package ops

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"aftercall/internal/config"
	"aftercall/internal/evidence"
)

func TestJudgeEvents(t *testing.T) {
	now := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	both := &config.App{Evidence: config.AppEvidence{Members: true, RoomKey: config.NewSecret("key")}}
	callback := evidence.LastEvent{Source: evidence.SourceCallback, At: now.Add(-time.Hour)}
	room := evidence.LastEvent{Source: evidence.SourceRoom, At: now.Add(-25 * time.Hour)}
	for name, c := range map[string]struct {
		app          *config.App
		last         []evidence.LastEvent
		ended        int
		detail, cure string
		warns        bool
	}{
		"no call":        {both, nil, 0, "source callback: none yet, source room: none yet", "", false},
		"never":          {both, nil, 2, "source callback: none yet, source room: none yet; 2 calls ended in the last 24 hours", "callback set; set URL and key", true},
		"one is quiet":   {both, []evidence.LastEvent{callback, room}, 1, "source room: the last one at 2026-03-01T11:00:00Z; 1 calls", "set URL and key", true},
		"quiet calls":    {both, []evidence.LastEvent{callback, room}, 0, "source callback: the last one at 2026-03-02T11:00:00Z, source room: ", "", false},
		"only one is on": {&config.App{Evidence: config.AppEvidence{Members: true}}, []evidence.LastEvent{callback}, 1, "source callback: the last one at 2026-03-02T11:00:00Z", "", false},
	} {
		detail, err := judgeEvents(c.app, c.last, c.ended, now)
		require.Equal(t, c.warns, errors.As(err, new(warningError)), name)
		if err != nil {
			detail = err.Error()
			require.Contains(t, cureOf(err), c.cure, name)
		}
		require.Contains(t, detail, c.detail, name)
	}
}
