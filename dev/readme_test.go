package main

import (
	"fmt"
	"io"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"aftercall/dev/local"
	"aftercall/dev/tencentsim"
	"aftercall/internal/freeport"
	"aftercall/internal/testenv"
	"aftercall/internal/testenv/pages"
)

const (
	readmeApp  = 1400000000
	readmeKey  = "5bd2850fff3ecb11d7c805251c51ee463a25727bddc2385f3fa8bfee1bb93b5e"
	readmeWait = 3 * time.Minute
)

// TestConnectYourOwnApp types the commands of that part of the README into a shell, on a
// machine where Tencent is simulated, until a call is charged.
func TestConnectYourOwnApp(t *testing.T) {
	if _, ok := testenv.Program(t, "redis-server", "apt-get install redis-server"); !ok {
		return
	}
	tencent, err := tencentsim.New(t.Context(), tencentsim.Options{Apps: []tencentsim.App{{SDKAppID: readmeApp, SecretKey: readmeKey, Administrator: "administrator"}}})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, tencent.Close()) })
	server := httptest.NewServer(tencent)
	t.Cleanup(server.Close)
	terminal := openTerminal(t, server.URL)

	text, err := os.ReadFile("../README.md")
	require.NoError(t, err)
	before, _, found := strings.Cut(string(text), "\n## Connect your own SDKAppID\n")
	require.True(t, found)
	begin := strings.Count(before, "\n")
	typed := 0
	for _, block := range pages.Blocks(t, "..") {
		if block.Page != "README.md" || block.Line < begin || block.Language != "sh" {
			continue
		}
		switch {
		case strings.Contains(block.Text, "check --probe"):
			terminal.typeUntil(block.Text, "")
		case strings.Contains(block.Text, "ledger list"):
			_, err := tencent.PlaceCall(tencentsim.CallSpec{SDKAppID: readmeApp, Seconds: 61})
			require.NoError(t, err)
			terminal.typeUntil(block.Text, "0.20") // 2 minutes at 0.10
		default:
			_, code := terminal.enter(block.Text)
			require.Zero(t, code, "%s\n%s", block.Text, terminal.printed.String())
		}
		typed++
	}
	require.Equal(t, 4, typed)
}

// terminal is a shell in a clone, with the programs that make builds.
type terminal struct {
	t       *testing.T
	input   io.Writer
	printed testenv.Log
	// here replaces what is in use on this machine, or the reader's own.
	here    *strings.Replacer
	entered int
}

func openTerminal(t *testing.T, tencent string) *terminal {
	t.Helper()
	clone := t.TempDir()
	self, err := os.Executable()
	require.NoError(t, err)
	cli, err := local.TemporalPath(t.Context(), "..")
	require.NoError(t, err)
	cli, err = filepath.Abs(cli)
	require.NoError(t, err)
	for file, script := range map[string]string{
		"bin/aftercall": fmt.Sprintf("#!/bin/sh\n%s=aftercall exec '%s' \"$@\"\n", asProgram, self),
		"path/make":     "#!/bin/sh\n",
	} {
		require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(clone, file)), 0o700))
		require.NoError(t, os.WriteFile(filepath.Join(clone, file), []byte(script), 0o700))
	}
	require.NoError(t, os.MkdirAll(filepath.Join(clone, "dev/bin"), 0o700))
	require.NoError(t, os.Symlink(cli, filepath.Join(clone, "dev/bin/temporal")))
	ports, err := freeport.Find(4)
	require.NoError(t, err)
	redis, temporal, ui, callbacks := strconv.Itoa(ports[0]), strconv.Itoa(ports[1]), strconv.Itoa(ports[2]), strconv.Itoa(ports[3])
	o := &terminal{t: t, here: strings.NewReplacer(
		"redis-server ", "redis-server --port "+redis+" ", ":6379", ":"+redis,
		"start-dev ", "start-dev --port "+temporal+" --ui-port "+ui+" ", ":7233", ":"+temporal,
		"https://calls.example.com", "http://127.0.0.1:"+callbacks,
		"api: singapore ", "api: "+tencent+" ", "SECRET_KEY=…", "SECRET_KEY="+readmeKey,
	)}
	shell := exec.Command("sh")
	shell.Dir, shell.Stdout, shell.Stderr = clone, &o.printed, &o.printed
	shell.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	shell.Env = append(
		slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "REDIS_URL=") || strings.HasPrefix(v, "LEDGER_URL=") }),
		"PATH="+filepath.Join(clone, "path")+":"+os.Getenv("PATH"), "TEMPORAL_ADDRESS=127.0.0.1:"+temporal,
		"AFTERCALL_LISTEN=127.0.0.1:"+callbacks, "AFTERCALL_ADMIN_LISTEN=127.0.0.1:0",
	)
	input, err := shell.StdinPipe()
	require.NoError(t, err)
	o.input = input
	require.NoError(t, shell.Start())
	t.Cleanup(func() {
		require.NoError(t, syscall.Kill(-shell.Process.Pid, syscall.SIGKILL)) // with all that it has started
		_ = shell.Wait()                                                      // it was killed
		for _, log := range []string{"worker.log", "starter.log"} {
			if text, err := os.ReadFile(filepath.Join(clone, "own", log)); err == nil && t.Failed() {
				t.Logf("%s:\n%s", log, text)
			}
		}
	})
	return o
}

// enter types commands and returns what they print, and the exit code of the last one.
func (o *terminal) enter(commands string) (printed string, code int) {
	o.t.Helper()
	before := len(o.printed.String())
	o.entered++
	mark := fmt.Sprintf("\nend of %d: ", o.entered)
	_, err := fmt.Fprintf(o.input, "%s\nprintf '%%s%%s\\n' '%s' $?\n", o.here.Replace(commands), mark)
	require.NoError(o.t, err)
	require.Eventually(o.t, func() bool {
		var rest string
		var found bool
		printed, rest, found = strings.Cut(o.printed.String()[before:], mark)
		if !found || !strings.HasSuffix(rest, "\n") {
			return false
		}
		line, _, _ := strings.Cut(rest, "\n")
		code, err = strconv.Atoi(line)
		return err == nil
	}, readmeWait, 20*time.Millisecond, "%s\n%s", commands, &o.printed)
	return printed, code
}

// typeUntil types commands again until the last one succeeds and prints what is expected.
func (o *terminal) typeUntil(commands, expected string) {
	o.t.Helper()
	for deadline := time.Now().Add(readmeWait); ; {
		printed, code := o.enter(commands)
		if code == 0 && strings.Contains(printed, expected) {
			return
		}
		require.True(o.t, time.Now().Before(deadline), "%s\n%s", commands, printed)
	}
}
