package config_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"aftercall/internal/config"
	"aftercall/internal/tencent"
)

// withEvidence adds a block to the app, and one to the file.
func withEvidence(t *testing.T, app, file string) string {
	t.Helper()
	return replaceOnce(t, valid, singleCallback, singleCallback+app) + file
}

func TestEvidenceIsOffByDefault(t *testing.T) {
	cfg, err := parse(t, valid)
	require.NoError(t, err)
	require.False(t, cfg.KeepsEvidence())
	require.False(t, cfg.DeletesEvidence())
	require.False(t, cfg.Apps[0].Evidence.On())
	require.Equal(t, []tencent.Command{tencent.CommandAfterEndCall}, cfg.Apps[0].CallbackCommands())
}

func TestEvidence(t *testing.T) {
	var ledgerURL config.ConnectionURL
	require.NoError(t, ledgerURL.UnmarshalText([]byte("sqlite:aftercall.db")))
	for name, tt := range map[string]struct {
		app, file string
		members   bool
		keys      []string
		url       string
		retention time.Duration
	}{
		"members": {"    evidence: {members: true}\n", "", true, nil, "sqlite:aftercall.db", 90 * 24 * time.Hour},
		"rooms": {
			"    evidence: {room_key: '${CLINIC_ROOM_KEY}'}\n", "evidence: {retention: 720h}\n",
			false,
			[]string{environment()["CLINIC_ROOM_KEY"]},
			"sqlite:aftercall.db", 720 * time.Hour,
		},
		"two keys and a database": {
			"    evidence: {members: true, room_keys: [New1, Old1]}\n", "evidence: {url: 'postgres://me:canary@db/evidence'}\n",
			true,
			[]string{"New1", "Old1"},
			"postgres://db/evidence", 90 * 24 * time.Hour,
		},
	} {
		t.Run(name, func(t *testing.T) {
			cfg, err := parse(t, withEvidence(t, tt.app, tt.file))
			require.NoError(t, err)
			e := cfg.Apps[0].Evidence
			require.Equal(t, tt.members, e.Members)
			require.Equal(t, tt.keys, revealed(e.AllRoomKeys()))
			if len(tt.keys) > 0 {
				require.Equal(t, tt.keys[0], e.RoomKey.Reveal())
			}
			require.True(t, e.On() && cfg.KeepsEvidence() && cfg.DeletesEvidence())
			require.Equal(t, tt.url, cfg.EvidenceURL(ledgerURL).String(), "without the password")
			require.Equal(t, tt.retention, cfg.EvidenceRetention())
			if tt.members {
				require.Equal(t, tencent.Commands, cfg.Apps[0].CallbackCommands())
			}
		})
	}
	cfg, err := parse(t, valid+"evidence: {retention: 24h}\n")
	require.NoError(t, err)
	require.False(t, cfg.KeepsEvidence())
	require.True(t, cfg.DeletesEvidence(), "what was kept before is deleted")
}

func TestProblemsOfEvidence(t *testing.T) {
	for name, tt := range map[string]struct{ app, file, problem string }{
		"key with a hyphen": {
			"    evidence: {room_key: canary-key}\n", "",
			"apps[0].evidence.room_key: must be 1 to 32 letters and digits, as the RTC console accepts: copy it from there, or make one with: openssl rand -hex 16",
		},
		"empty key":      {"    evidence: {room_key: ''}\n", "", "apps[0].evidence.room_key: must be 1 to 32 letters and digits"},
		"same key twice": {"    evidence: {room_keys: [canary, canary]}\n", "", "apps[0].evidence.room_keys[1]: is the same as the first"},
		"no keys":        {"    evidence: {room_keys: []}\n", "", "apps[0].evidence.room_keys: must hold one or two"},
		"no scheme":      {"", "evidence: {url: canary.db}\n", "evidence.url: must be a URL"},
		"other scheme":   {"", "evidence: {url: 'mysql://canary@db/x'}\n", "evidence.url: must be sqlite: and the path of a file"},
		"short":          {"", "evidence: {retention: 1h}\n", "evidence.retention: must be from 24h to 87600h, ten years; 2160h is 90 days"},
		"long":           {"", "evidence: {retention: 90000h}\n", "evidence.retention: must be from 24h"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := parse(t, withEvidence(t, tt.app, tt.file))
			require.ErrorContains(t, err, tt.problem)
			require.NotContains(t, err.Error(), "canary")
		})
	}
}
