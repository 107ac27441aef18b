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
		"short of rooms": {
			"    evidence: {room_key: canary}\n", "evidence: {retention: 71h59m}\n",
			"evidence.retention: must be 72h at least, because an app has room_key: the audit reads what was seen of rooms up to two days before; write 72h or more, or leave it out",
		},
		"no wait":   {"", "evidence: {wait: 0s}\n", "evidence.wait: must be from 1s to 10m; left out, it is 90s"},
		"long wait": {"", "evidence: {wait: 11m}\n", "evidence.wait: must be from 1s to 10m"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := parse(t, withEvidence(t, tt.app, tt.file))
			require.ErrorContains(t, err, tt.problem)
			require.NotContains(t, err.Error(), "canary")
		})
	}
}

func TestShortestRetention(t *testing.T) {
	for app, retention := range map[string]string{"{room_keys: [A1, A2]}": "72h", "{members: true}": "24h"} {
		_, err := parse(t, withEvidence(t, "    evidence: "+app+"\n", "evidence: {retention: "+retention+"}\n"))
		require.NoError(t, err)
	}
}

// TestTariffsThatNeedEvidence: a tariff by participant minutes is refused where nothing
// can be seen of the calls.
func TestTariffsThatNeedEvidence(t *testing.T) {
	const both = "    evidence: {members: true, room_key: A1}\n"
	for name, tt := range map[string]struct{ app, sources, problem string }{
		"off":        {"", "1", "apps[0].evidence: must have members: true, room_key or both, because tariff standard has per: participant_minute: otherwise nothing is seen of its calls"},
		"members":    {"    evidence: {members: true}\n", "1", ""},
		"rooms":      {"    evidence: {room_key: A1}\n", "1", ""},
		"both":       {both, "2", ""},
		"no rooms":   {"    evidence: {members: true}\n", "2", "apps[0].evidence.room_key: is missing, because tariff standard requires two sources: copy the key from the RTC console, or write sources: 1"},
		"no members": {"    evidence: {room_key: A1}\n", "2", "apps[0].evidence.members: must be true, because tariff standard requires two sources; or write sources: 1"},
	} {
		t.Run(name, func(t *testing.T) {
			file := replaceOnce(t, withEvidence(t, tt.app, ""), "        rules:\n",
				"        evidence: {use: review, without: review, sources: "+tt.sources+"}\n        rules:\n")
			cfg, err := parse(t, replaceOnce(t, file, "next_interval: 6\n", "next_interval: 6\n            per: participant_minute\n"))
			if tt.problem != "" {
				require.ErrorContains(t, err, tt.problem)
				return
			}
			require.NoError(t, err)
			require.True(t, cfg.ChargesByEvidence())
			require.Equal(t, 90*time.Second, cfg.EvidenceWait())
			_, err = parse(t, replaceOnce(t, file, "next_interval: 6\n", "next_interval: 6\n            per: participant_minute\n")+"evidence: {retention: 191h}\n")
			require.ErrorContains(t, err, "evidence.retention: must be 192h at least, because calls are charged by evidence, up to seven days after their end")
		})
	}
	cfg, err := parse(t, valid+"evidence: {wait: 5s}\n")
	require.NoError(t, err)
	require.False(t, cfg.ChargesByEvidence())
	require.Equal(t, 5*time.Second, cfg.EvidenceWait())
}
