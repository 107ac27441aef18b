package tencentsim

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func journalled(path string) func(*Options) {
	return func(o *Options) { o.JournalPath = path }
}

// kept returns the lines of a journal.
func kept(t *testing.T, path string) []string {
	t.Helper()
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	return strings.SplitAfter(string(data), "\n")
}

func TestJournalSurvivesARestart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tencent.jsonl")
	first := newFixture(t, journalled(path))
	b := first.receive(endCall, nil)
	one := first.place(CallSpec{CallID: "one", Seconds: 60})
	lost := first.place(CallSpec{CallID: "lost", Lose: true})
	odd := first.place(CallSpec{CallID: "odd", Record: []byte(`{"EndTime":0}`), RecordAfterSeconds: 60})
	first.wait()
	require.Len(t, b.all(), 2)
	require.NoError(t, first.sim.Close())

	second := newFixture(t, journalled(path))
	require.NotZero(t, second.place(CallSpec{}).Record.CallID)
	calls := second.sim.Calls()
	require.Len(t, calls, 4)
	require.Equal(t, one.Record, calls[0].Record)
	require.Equal(t, one.PlacedAt, calls[0].PlacedAt)
	require.Equal(t, lost.Record, calls[1].Record)
	require.True(t, calls[1].Lost)
	require.Equal(t, odd.Record, calls[2].Record)
	second.now.move(5 * time.Second)
	require.Zero(t, second.post(pathByID, ask("one")).ErrorCode)
	require.Equal(t, 101050, second.post(pathByID, ask("odd")).ErrorCode, "its record is still late")
	second.now.move(55 * time.Second)
	require.Zero(t, second.post(pathByID, ask("odd")).ErrorCode)

	second.wait()
	require.Len(t, b.all(), 3, "the configured URL survived, and old callbacks are not repeated")
	require.NoError(t, second.sim.RepeatCallback(testApp, "one", nil))
	second.wait()
	require.Len(t, b.all(), 4)
	_, err := second.sim.PlaceCall(CallSpec{SDKAppID: testApp, CallID: "one"})
	require.ErrorContains(t, err, "call_id")

	require.Zero(t, second.post(pathDelete, "{}").ErrorCode)
	require.NoError(t, second.sim.Close())
	third := newFixture(t, journalled(path))
	require.Equal(t, 100301, third.post(pathGet, "{}").ErrorCode, "deleting survives too")
}

func TestJournalWithAnIncompleteLine(t *testing.T) {
	source := filepath.Join(t.TempDir(), "whole.jsonl")
	r := newFixture(t, journalled(source))
	r.place(CallSpec{CallID: "one"})
	r.place(CallSpec{CallID: "two"})
	require.NoError(t, r.sim.Close())
	lines := kept(t, source)
	require.Len(t, lines, 3, "two lines and nothing after them")
	for _, cut := range []int{1, len(lines[1]) / 2, len(lines[1]) - 1} {
		path := filepath.Join(t.TempDir(), "incomplete.jsonl")
		require.NoError(t, os.WriteFile(path, []byte(lines[0]+lines[1][:cut]), 0o600))
		again := newFixture(t, journalled(path))
		require.Len(t, again.sim.Calls(), 1)
		again.place(CallSpec{CallID: "three"})
		require.NoError(t, again.sim.Close())
		last := newFixture(t, journalled(path))
		require.Len(t, last.sim.Calls(), 2, "the incomplete line was removed")
		require.Equal(t, "three", last.sim.Calls()[1].Record.CallID)
	}
}

func TestJournalThatIsBroken(t *testing.T) {
	good := `{"kind":"callback","sdk_app_id":1400000001}` + "\n"
	for name, tt := range map[string]struct{ content, want string }{
		"not JSON in the middle": {good + "{\n" + good, "line 2"},
		"not JSON, whole line":   {"{\n", "line 1"},
		"unknown kind":           {good + `{"kind":"weather","sdk_app_id":1400000001}` + "\n", `line 2: unknown kind "weather"`},
		"call without a call":    {`{"kind":"call","sdk_app_id":1400000001}` + "\n", "line 1"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "tencent.jsonl")
			require.NoError(t, os.WriteFile(path, []byte(tt.content), 0o600))
			_, err := New(t.Context(), Options{Apps: []App{{SDKAppID: testApp, SecretKey: testKey}}, JournalPath: path})
			require.ErrorContains(t, err, tt.want)
			require.ErrorContains(t, err, "repair or delete")
		})
	}
	t.Run("of an app that is gone", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "tencent.jsonl")
		require.NoError(t, os.WriteFile(path, []byte(`{"kind":"callback","sdk_app_id":7}`+"\n"), 0o600))
		require.Empty(t, newFixture(t, journalled(path)).sim.Calls())
	})
	t.Run("no folder", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "none", "tencent.jsonl")
		_, err := New(t.Context(), Options{Apps: []App{{SDKAppID: testApp, SecretKey: testKey}}, JournalPath: path})
		require.ErrorContains(t, err, "journal")
	})
}

// TestJournalThatFails answers "internal, please retry" and keeps nothing.
func TestJournalThatFails(t *testing.T) {
	r := newFixture(t, journalled(filepath.Join(t.TempDir(), "tencent.jsonl")))
	require.NoError(t, r.sim.journal.file.Close())
	_, err := r.sim.PlaceCall(CallSpec{SDKAppID: testApp})
	require.ErrorContains(t, err, "journal")
	require.Empty(t, r.sim.Calls())
	require.Equal(t, 100001, r.post(pathSet, `{"Url":"https://x.example","CallbackCommandList":[`+endCall+`]}`).ErrorCode)
	require.Equal(t, 100001, r.post(pathDelete, `{}`).ErrorCode)
	require.Equal(t, 100301, r.post(pathGet, `{}`).ErrorCode)
	r.sim.journal = nil // it cannot be closed twice
}
