package statement_test

import (
	"errors"
	"iter"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"aftercall/internal/ledger"
	"aftercall/internal/statement"
	"aftercall/internal/tencent"
)

// TestFileNames: no payer gives a name that leaves its folder, is reserved or is the
// same as another's, also where case does not count.
func TestFileNames(t *testing.T) {
	t.Parallel()
	seen := map[string]string{}
	for _, payer := range payers {
		name := statement.FileName(payer, "2026-11", statement.HTML)
		require.Regexp(t, regexp.MustCompile(`^statement-2026-11-[a-z0-9_-]*\.html$`), name)
		require.LessOrEqual(t, len(name), 255)
		require.Empty(t, seen[strings.ToLower(name)], "%q and %q", payer, seen[strings.ToLower(name)])
		seen[strings.ToLower(name)] = payer
	}
	require.Equal(t, "statement-2026-11-patient-1001.txt", statement.FileName("patient-1001", "2026-11", statement.Text))
	require.Equal(t, "statement-2026-11-_2e_2e_2f_42ob_5f.csv", statement.FileName("../Bob_", "2026-11", statement.CSV))
}

// entries are calls of payers, in the order of their names.
func entries(t *testing.T, names ...string) iter.Seq2[ledger.Entry, error] {
	return func(yield func(ledger.Entry, error) bool) {
		for _, name := range names {
			record := tencent.CallRecord{
				CallID: "call-of-" + name, Caller: name, MediaType: tencent.MediaAudio, CallType: tencent.CallTypeSingle, Result: tencent.ResultNormalEnd,
				StartTime: 1_793_530_000, AcceptTime: 1_793_530_009, EndTime: 1_793_530_070,
			}
			e := ledger.Entry{Key: "charge:1:" + name, Kind: ledger.KindCharge, Revision: 1, SDKAppID: 1, App: "clinic", Record: record, Charge: rate(t, record, tariff(t, "USD", "0.6"))}
			if !yield(e, nil) {
				return
			}
		}
	}
}

var november = statement.Head{
	Month: "2026-11", From: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC), To: time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC), AsOf: time.Date(2026, 12, 3, 9, 0, 0, 0, time.UTC),
}

func TestFolder(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "statements")
	write := func(others bool, calls iter.Seq2[ledger.Entry, error]) (statement.Written, error) {
		folder, err := statement.OpenFolder(path, others)
		if err != nil {
			return statement.Written{}, err
		}
		defer folder.Close()
		return folder.WriteAll(statement.Calls(calls), statement.CSV, november)
	}
	names := func() (names []string) {
		files, err := os.ReadDir(path)
		require.NoError(t, err)
		for _, f := range files {
			names = append(names, f.Name())
		}
		return names
	}
	for range 2 { // each file replaces that of before
		done, err := write(false, entries(t, "ada", "bob"))
		require.NoError(t, err)
		require.Equal(t, 2, done.Statements)
		require.Zero(t, done.Others)
		require.Equal(t, "1.22", done.Totals[0].Amount.Number())
		require.Equal(t, []string{"statement-2026-11-ada.csv", "statement-2026-11-bob.csv"}, names())
	}
	for name, mode := range map[string]os.FileMode{"": 0o700, "statement-2026-11-ada.csv": 0o600} {
		info, err := os.Stat(filepath.Join(path, name))
		require.NoError(t, err)
		require.Equal(t, mode, info.Mode().Perm())
	}
	done, err := write(false, entries(t, "ada"))
	require.NoError(t, err)
	require.Equal(t, 1, done.Others, "that of bob is of before")

	// An error in between leaves what was there, and no half a file.
	before, err := os.ReadFile(filepath.Join(path, "statement-2026-11-bob.csv"))
	require.NoError(t, err)
	broken := errors.New("connection lost")
	_, err = write(false, func(yield func(ledger.Entry, error) bool) {
		for e, err := range entries(t, "ada", "bob") {
			yield(e, err)
		}
		yield(ledger.Entry{}, broken)
	})
	require.ErrorIs(t, err, broken)
	after, err := os.ReadFile(filepath.Join(path, "statement-2026-11-bob.csv"))
	require.NoError(t, err)
	require.Equal(t, before, after)
	require.Len(t, names(), 2)

	// A link that somebody put there is replaced, and not followed.
	outside := filepath.Join(t.TempDir(), "outside")
	require.NoError(t, os.WriteFile(outside, []byte("kept"), 0o600))
	require.NoError(t, os.Remove(filepath.Join(path, "statement-2026-11-ada.csv")))
	require.NoError(t, os.Symlink(outside, filepath.Join(path, "statement-2026-11-ada.csv")))
	_, err = write(false, entries(t, "ada"))
	require.ErrorIs(t, err, statement.ErrOtherFiles, "a link is no statement")
	_, err = write(true, entries(t, "ada"))
	require.NoError(t, err)
	kept, err := os.ReadFile(outside)
	require.NoError(t, err)
	require.Equal(t, "kept", string(kept))

	require.NoError(t, os.WriteFile(filepath.Join(path, "notes.txt"), nil, 0o600))
	_, err = write(false, entries(t, "ada"))
	require.ErrorIs(t, err, statement.ErrOtherFiles)
	require.ErrorContains(t, err, `such as "notes.txt"`)
	_, err = statement.OpenFolder(filepath.Join(path, "notes.txt"), true)
	require.Error(t, err)
	_, err = statement.OpenFolder(filepath.Join(path, "no", "such"), false)
	require.ErrorIs(t, err, os.ErrNotExist)
}
