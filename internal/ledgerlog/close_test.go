package ledgerlog

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestCloseInACheckpoint: whatever the operator is called, the checkpoint says it and
// nothing else, signed or not, and as a mail program saves it.
func TestCloseInACheckpoint(t *testing.T) {
	private, public, err := NewKey("ledger.example.com")
	require.NoError(t, err)
	var key Key
	require.NoError(t, key.UnmarshalText([]byte(private)))
	keys, err := ParsePublicKeys(public)
	require.NoError(t, err)
	for _, operator := range []string{"alice", "bob b.", `"quoted" \`, "line\n\n— forged\nclose 2026-09 UTC 1 2 \"eve\"", "中文\u202e\r\n", "\xff\x00", strings.Repeat("long", 500)} {
		c := Checkpoint{Size: 7, Root: Hash{1}, Time: time.UnixMilli(1_772_000_000_123).UTC(), Close: Close{
			Month: "2026-10", Zone: "Asia/Shanghai", From: 1_790_784_000, To: 1_793_462_400, Operator: operator,
		}}
		for _, k := range []Key{{}, key} {
			text, err := c.Sign(k)
			require.NoError(t, err)
			c.Origin = k.Origin()
			for _, saved := range []string{text, strings.ReplaceAll(text, "\n", "\r\n")} {
				parsed, err := ParseCheckpoint(saved)
				require.NoError(t, err)
				require.Equal(t, c, parsed)
			}
		}
		text, err := c.Sign(key)
		require.NoError(t, err)
		verified, err := keys.Verify(text)
		require.NoError(t, err)
		require.Equal(t, c.Close, verified.Close)
		_, err = keys.Verify(strings.Replace(text, "close 2026-10", "close 2026-11", 1))
		require.ErrorIs(t, err, ErrNotSigned)
	}
}

func TestCloseThatCannotBeRead(t *testing.T) {
	c := Checkpoint{Size: 7, Time: time.UnixMilli(1_772_000_000_123).UTC()}
	text, err := c.Sign(Key{})
	require.NoError(t, err)
	for _, line := range []string{"close 2026-10 UTC 1 2 alice", `close 2026-10 UTC 1 2 "alice" more`, `close 2026-10 UTC one 2 "alice"`, `close  2026-10 UTC 1 2 "alice"`} {
		_, err := ParseCheckpoint(text + line + "\n")
		require.ErrorContains(t, err, "does not close a month", line)
	}
	parsed, err := ParseCheckpoint(text + "a line of a later release\n")
	require.NoError(t, err)
	require.True(t, parsed.Close.IsZero())
}
