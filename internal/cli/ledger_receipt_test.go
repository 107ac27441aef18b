package cli

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"aftercall/internal/ledgerlog"
	"aftercall/internal/ops"
	"aftercall/internal/testenv"
)

// keyed is a corrected ledger with a key, and the public key.
func keyed(t *testing.T) (l *ledgerTest, public string) {
	t.Helper()
	private, public, err := ledgerlog.NewKey("ledger.example.com")
	require.NoError(t, err)
	l = corrected(t)
	l.environ["AFTERCALL_LEDGER_KEY"] = private
	l.environ["TEMPORAL_ADDRESS"] = "127.0.0.1:1" // nothing listens on this port
	return l, public
}

// writeFile writes a file and returns its path.
func writeFile(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

func TestCheckpoint(t *testing.T) {
	t.Parallel()
	l, public := keyed(t)
	code, text, stderr := l.run("ledger", "checkpoint")
	require.Equal(t, Incomplete, code, "Temporal does not answer: %s", stderr)
	require.Contains(t, stderr, "keep the checkpoint that was printed")
	keys, err := ledgerlog.ParsePublicKeys(public)
	require.NoError(t, err)
	checkpoint, err := keys.Verify(text)
	require.NoError(t, err)
	require.EqualValues(t, 6, checkpoint.Size)

	var made ops.Checkpoint
	require.NoError(t, json.Unmarshal([]byte(l.prints("ledger", "checkpoint", "--no-notify", "-o", "json")), &made))
	require.Equal(t, checkpoint.Root, made.Root)
	require.False(t, made.Notified)
	require.Contains(t, l.prints("ledger", "verify"), "The log holds 6 entries. Checkpoints compared: 2.")

	file := writeFile(t, "checkpoint.txt", strings.ReplaceAll(text, "\n", "\r\n")+"\r\n") // as a mail program saves it
	require.Contains(t, l.prints("ledger", "verify", "--checkpoint", file), "Checkpoints compared: 3")
	forged := writeFile(t, "forged.txt", strings.Replace(text, "\n6\n", "\n7\n", 1))
	code, _, stderr = l.run("ledger", "verify", "--checkpoint", forged)
	require.Equal(t, Refused, code)
	require.Contains(t, stderr, "cannot be trusted")
	l.environ["AFTERCALL_LEDGER_KEY"] = ""
	code, stdout, _ := l.run("ledger", "verify", "--checkpoint", forged)
	require.Equal(t, Refused, code)
	require.Contains(t, strings.Join(strings.Fields(stdout), " "), "wrong log: the log does not reach the checkpoint in "+forged)
	for _, args := range [][]string{
		{"--checkpoint", writeFile(t, "notes.txt", "call the auditor")}, {"--checkpoint", "nosuch"}, {"--key", "ledger.example.com"},
	} {
		code, _, stderr = l.run(append([]string{"ledger", "verify"}, args...)...)
		require.Equal(t, Usage, code, stderr)
		require.Contains(t, stderr, args[0]+": ")
	}
}

func TestNewKeyRefusesNames(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"", "two words", "a+b"} {
		code, _, stderr := newLedgerTest(t).run("ledger", "new-key", name)
		require.Equal(t, Usage, code)
		require.Contains(t, stderr, "the name of a key must be a word")
	}
}

func TestReceipt(t *testing.T) {
	t.Parallel()
	l, public := keyed(t)
	code, _, stderr := l.run("ledger", "prove", "call-1")
	require.Equal(t, Refused, code)
	require.Contains(t, stderr, "make a checkpoint: aftercall ledger checkpoint")
	code, _, _ = l.run("ledger", "prove", "nosuch")
	require.Equal(t, NotFound, code)

	checkpoint := writeFile(t, "checkpoint.txt", l.prints("ledger", "checkpoint", "--no-notify"))
	text := l.prints("ledger", "prove", "call-1")
	receipt := writeFile(t, "receipt.json", text)
	offline := &ledgerTest{t: t, environ: map[string]string{}}
	for _, by := range [][]string{{"--key", public}, {"--checkpoint", checkpoint}, {"--checkpoint", checkpoint, "--key", public}} {
		out := offline.prints(append([]string{"ledger", "check-receipt", receipt}, by...)...)
		require.Contains(t, out, "charge.2:1400000000:call-1: 0.30 USD, entry 4 of the log\n")
		require.Contains(t, out, "proven by the checkpoint of ledger.example.com with 6 entries")
	}
	code, _, stderr = offline.run("ledger", "check-receipt", receipt)
	require.Equal(t, Usage, code)
	require.Contains(t, stderr, "nothing to check the receipt by")

	_, stranger, err := ledgerlog.NewKey("ledger.example.com")
	require.NoError(t, err)
	code, _, stderr = offline.run("ledger", "check-receipt", receipt, "--key", stranger)
	require.Equal(t, Refused, code)
	require.Contains(t, stderr, "cannot be trusted")
	python, ok := testenv.PythonModule(t, "cryptography")
	script := writeFile(t, "check.py", documentedCode(t, "### Receipts", "python"))
	if ok {
		out, err := exec.CommandContext(t.Context(), python, script, receipt, public).CombinedOutput()
		require.NoError(t, err, "%s", out)
		require.Equal(t, "charge:1400000000:call-1 0.24 USD\nreversal:1400000000:call-1 -0.24 USD\ncharge.2:1400000000:call-1 0.30 USD\n", string(out))
	}
	for name, change := range map[string][2]string{
		"amount":     {`"amount": "0.30"`, `"amount": "0.20"`},
		"a column":   {`"app": "clinic",`, ""},
		"index":      {`"log_index": 4`, `"log_index": 5`},
		"order":      {`"seq": 1,`, `"seq": 2,`},
		"checkpoint": {`\n6\n`, `\n5\n`},
	} {
		changed := strings.Replace(text, change[0], change[1], 1)
		require.NotEqual(t, text, changed, name)
		file := writeFile(t, "receipt.json", changed)
		code, _, stderr := offline.run("ledger", "check-receipt", file, "--key", public)
		require.Equal(t, Refused, code, name)
		require.NotEmpty(t, stderr)
		require.NotContains(t, stderr, "[", "hashes are not for people")
		if ok {
			require.Error(t, exec.CommandContext(t.Context(), python, script, file, public).Run(), name)
		}
	}
	for _, malformed := range []string{"", "{", `{"version": 2}`, `{"version": 1, "entries": []}`, `{"version": 1, "entries": [{"entry": []}]}`, `{"version": 1, "entries": [{"entry": {"a": null}}]}`} {
		code, _, stderr := offline.run("ledger", "check-receipt", writeFile(t, "receipt.json", malformed), "--key", public)
		require.Equal(t, Usage, code, malformed)
		require.Regexp(t, "receipt.json is (not )?a receipt", stderr)
	}
}

// TestReceiptHasColumnsOfItsOwn: the text of a leaf can be cut into columns in one way
// only, whatever a reason contains, so that a receipt cannot show another amount.
func TestReceiptHasColumnsOfItsOwn(t *testing.T) {
	t.Parallel()
	l, public := keyed(t)
	l.configure("0.12")
	code, _, stderr := l.run("ledger", "adjust", "call-1", "--amount", "-0.10", "--operator", "bob", "--reason", "x 1 y\namount 6 999.00\nz 1 w")
	require.Equal(t, Incomplete, code, stderr)
	l.prints("ledger", "checkpoint", "--no-notify")
	var receipt ledgerlog.Receipt
	require.NoError(t, json.Unmarshal([]byte(l.prints("ledger", "prove", "call-1")), &receipt))
	last := &receipt.Entries[len(receipt.Entries)-1]
	whole := string(last.Entry.Leaf())
	amount := slices.IndexFunc(last.Entry, func(f ledgerlog.Field) bool { return f.Name == "amount" })
	reason := slices.IndexFunc(last.Entry, func(f ledgerlog.Field) bool { return f.Name == "reason" })
	hidden := strings.TrimPrefix(string(last.Entry[amount:reason+1].Leaf()), string(ledgerlog.Fields{}.Leaf()))
	name, _, found := strings.Cut(hidden, " 1 y\n")
	require.True(t, found)
	last.Entry = slices.Replace(last.Entry, amount, reason+1,
		ledgerlog.Field{Name: name, Text: "y"}, ledgerlog.Field{Name: "amount", Text: "999.00"}, ledgerlog.Field{Name: "z", Text: "w"})
	require.Equal(t, whole, string(last.Entry.Leaf()), "the same leaf, and so the same proof")
	forged, err := json.Marshal(receipt)
	require.NoError(t, err)
	file := writeFile(t, "receipt.json", string(forged))
	code, stdout, stderr := l.run("ledger", "check-receipt", file, "--key", public)
	require.Equal(t, Usage, code, stdout)
	require.Contains(t, stderr, "is not the name of a column")
	if python, ok := testenv.PythonModule(t, "cryptography"); ok {
		script := writeFile(t, "check.py", documentedCode(t, "### Receipts", "python"))
		out, err := exec.CommandContext(t.Context(), python, script, file, public).CombinedOutput()
		require.Error(t, err)
		require.NotContains(t, string(out), "999.00")
	}
}

// documentedCode is the first block of a language below a heading of docs/ledger.md.
func documentedCode(t *testing.T, heading, language string) string {
	t.Helper()
	text, err := os.ReadFile("../../docs/ledger.md")
	require.NoError(t, err)
	_, section, found := strings.Cut(string(text), "\n"+heading+"\n")
	require.True(t, found, heading)
	block := regexp.MustCompile("(?s)```" + language + "\n(.*?)```").FindStringSubmatch(section)
	require.NotNil(t, block)
	return block[1]
}
