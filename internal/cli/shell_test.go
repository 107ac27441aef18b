package cli

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"aftercall/internal/config"
	"aftercall/internal/ledgerlog"
)

// asProgram makes the test binary the program aftercall.
const asProgram = "AFTERCALL_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		os.Exit(Run(context.Background(), Process{Environ: config.Environ(os.Environ()), Stdout: os.Stdout, Stderr: os.Stderr}, os.Args[1:]))
	}
	os.Exit(m.Run())
}

// shell runs the block of a name in docs/ledger.md in a folder, with aftercall, and returns
// what it prints.
func (l *ledgerTest) shell(folder, name string) string {
	l.t.Helper()
	text, err := os.ReadFile("../../docs/ledger.md")
	require.NoError(l.t, err)
	block := regexp.MustCompile("(?s)<!-- drill: " + name + " -->\n *```sh\n(.*?)```").FindSubmatch(text)
	require.NotNil(l.t, block, name)
	bin := l.t.TempDir()
	self, err := os.Executable()
	require.NoError(l.t, err)
	require.NoError(l.t, os.Symlink(self, filepath.Join(bin, "aftercall")))
	sh := exec.CommandContext(l.t.Context(), "sh", "-eu", "-c", string(block[1]))
	sh.Dir = folder
	sh.Env = append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"), asProgram+"=1")
	for name, value := range l.environ {
		sh.Env = append(sh.Env, name+"="+value)
	}
	out, err := sh.CombinedOutput()
	require.NoError(l.t, err, "%s: %s", name, out)
	return string(out)
}

// TestDocumentedExports runs the loop of docs/ledger.md.
func TestDocumentedExports(t *testing.T) {
	t.Parallel()
	l := corrected(t)
	folder := t.TempDir()
	files := func() (names []string) {
		found, err := filepath.Glob(filepath.Join(folder, "entries-*.csv"))
		require.NoError(t, err)
		for _, f := range found {
			names = append(names, filepath.Base(f))
		}
		return names
	}
	l.shell(folder, "export")
	require.Empty(t, files(), "nothing is in the log yet")
	in := l.ledger.NewIntegrator()
	for i, want := range []string{"entries-0-6.csv", "entries-6-7.csv"} {
		_, err := in.Integrate(t.Context())
		require.NoError(t, err)
		for range 2 { // the second time there is nothing new
			l.shell(folder, "export")
			require.Len(t, files(), i+1)
			require.Equal(t, want, files()[i])
		}
		l.charge("call-4", "patient-4", noon, 30, tariff(t, "USD", "0.12"))
	}
	written, err := os.ReadFile(filepath.Join(folder, "entries-6-7.csv"))
	require.NoError(t, err)
	require.Equal(t, l.prints("ledger", "export", "--after", "6", "--until", "7"), string(written))
}

// TestDocumentedReceipt makes and checks the receipt of docs/ledger.md.
func TestDocumentedReceipt(t *testing.T) {
	t.Parallel()
	private, public, err := ledgerlog.NewKey("ledger.example.com")
	require.NoError(t, err)
	l := documented(t)
	l.environ["AFTERCALL_LEDGER_KEY"], l.environ["LEDGER_PUBLIC_KEY"] = private, public
	l.prints("ledger", "checkpoint", "--no-notify")
	require.Contains(t, l.shell(t.TempDir(), "receipt"), "proven by the checkpoint of ledger.example.com with 7 entries")
}
