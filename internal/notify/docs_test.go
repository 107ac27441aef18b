package notify

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"aftercall/internal/testenv"
)

const docsFile = "../../docs/notifications.md"

func viewFields() []reflect.StructField { return reflect.VisibleFields(reflect.TypeFor[View]()) }

// section returns what the documentation has below a heading.
func section(t *testing.T, heading string) string {
	t.Helper()
	data, err := os.ReadFile(docsFile)
	require.NoError(t, err)
	_, text, found := strings.Cut(string(data), "\n"+heading+"\n")
	require.True(t, found, "heading %q", heading)
	return text
}

// code returns the first block of a language below a heading.
func code(t *testing.T, heading, language string) string {
	t.Helper()
	_, text, found := strings.Cut(section(t, heading), "\n```"+language+"\n")
	require.True(t, found, "a block of %s below %q", language, heading)
	block, _, found := strings.Cut(text, "\n```\n")
	require.True(t, found)
	return block + "\n"
}

func TestReferenceOfTemplates(t *testing.T) {
	var rows []string
	for _, f := range viewFields() {
		require.NotEmpty(t, f.Tag.Get("doc"), f.Name)
		rows = append(rows, fmt.Sprintf("| `.%s` | %s |", f.Name, f.Tag.Get("doc")))
	}
	testenv.RequireTable(t, docsFile, "Texts", rows)
}

func TestTheDocumentedTextIsATemplate(t *testing.T) {
	text := strings.TrimPrefix(code(t, "## Texts", "yaml"), "text: |\n")
	require.Equal(t, "clinic: $0.24 charged\n  patient-1001 → doctor-17, 1m1s, ended 12:00", rendered(t, text, "", "", sample(t, EventCallCharged)))
}

// TestReceiversOfTheDocumentation: a receiver of the documentation takes what
// our signer signs, and nothing else.
func TestReceiversOfTheDocumentation(t *testing.T) {
	for _, c := range []struct{ name, heading, language, file string }{
		{"go", "### Go", "go", "main.go"},
		{"python3", "### Python", "python", "receiver.py"},
		{"node", "### Without a library", "js", "receiver.mjs"},
	} {
		t.Run(c.name, func(t *testing.T) {
			command, ok := testenv.Program(t, c.name, "install it to run the samples of the documentation")
			if !ok {
				return
			}
			file := filepath.Join(t.TempDir(), c.file)
			require.NoError(t, os.WriteFile(file, []byte(code(t, c.heading, c.language)), 0o600))
			args := []string{file}
			if c.name == "go" {
				built := filepath.Join(t.TempDir(), "receiver")
				out, err := exec.Command(command, "build", "-o", built, file).CombinedOutput()
				require.NoError(t, err, "%s", out)
				command, args = built, nil
			}
			requireReceiver(t, startReceiver(t, command, args))
		})
	}
}

func TestTheNodeSampleIsNode(t *testing.T) {
	node, ok := testenv.Program(t, "node", "install it to run the samples of the documentation")
	if !ok {
		return
	}
	file := filepath.Join(t.TempDir(), "receiver.mjs")
	require.NoError(t, os.WriteFile(file, []byte(code(t, "### Node", "js")), 0o600))
	out, err := exec.Command(node, "--check", file).CombinedOutput()
	require.NoError(t, err, "%s", out)
}

// startReceiver runs a sample with secretOne and returns its URL.
func startReceiver(t *testing.T, command string, args []string) string {
	t.Helper()
	// The official Python library comes with the Go library, in the same module.
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/standard-webhooks/standard-webhooks/libraries").Output()
	require.NoError(t, err)
	port := testenv.FreePort(t)
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, command, args...)
	cmd.Env = append(os.Environ(), "WEBHOOK_SECRET="+secretOne, fmt.Sprintf("PORT=%d", port),
		"PYTHONPATH="+filepath.Join(strings.TrimSpace(string(out)), "python"), "PYTHONDONTWRITEBYTECODE=1")
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		cancel()
		_ = cmd.Wait() // killed
		if t.Failed() {
			t.Log(output.String())
		}
	})
	address := fmt.Sprintf("http://127.0.0.1:%d/aftercall", port)
	require.Eventually(t, func() bool {
		_, err := get(t, NewHTTPClient(Network{AllowPrivate: true}), address)
		return err == nil
	}, 30*time.Second, 20*time.Millisecond, "the receiver must listen")
	return address
}

func requireReceiver(t *testing.T, address string) {
	t.Helper()
	send := func(change func(*Webhook), secrets ...string) error {
		w, err := NewWebhook(address, secrets, NewHTTPClient(Network{AllowPrivate: true}))
		require.NoError(t, err)
		if change != nil {
			change(w)
		}
		return w.Send(context.Background(), "msg_1", sample(t, EventCallCharged))
	}
	require.NoError(t, send(nil, secretOne))
	require.NoError(t, send(nil, secretTwo, secretOne), "rotation: one of several")
	for name, err := range map[string]error{
		"another secret": send(nil, secretTwo),
		"too old":        send(func(w *Webhook) { w.now = func() time.Time { return time.Now().Add(-10 * time.Minute) } }, secretOne),
		"changed under way": send(func(w *Webhook) {
			w.http.Transport = changed{w.http.Transport}
		}, secretOne),
	} {
		var statusErr *StatusError
		require.ErrorAs(t, err, &statusErr, name)
		require.Equal(t, http.StatusUnauthorized, statusErr.Status, name)
	}
}

// changed alters the message ID after it was signed.
type changed struct{ http.RoundTripper }

func (c changed) RoundTrip(req *http.Request) (*http.Response, error) {
	req = req.Clone(req.Context())
	req.Header.Set("webhook-id", "msg_2")
	return c.RoundTripper.RoundTrip(req)
}
