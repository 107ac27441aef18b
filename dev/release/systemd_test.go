package main

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"aftercall/internal/config"
	"aftercall/internal/testenv"
)

const unitFolder = "../deploy/systemd"

// TestUnits has systemd check the units, and how far they are confined.
func TestUnits(t *testing.T) {
	analyze, ok := testenv.Program(t, "systemd-analyze", "install Debian's package systemd")
	if !ok {
		return
	}
	units, err := filepath.Glob(unitFolder + "/*.service")
	require.NoError(t, err)
	require.Len(t, units, 5)
	root := t.TempDir() // with the programs that the units run, and systemd's own units
	for _, program := range []string{"usr/bin/aftercall", "usr/local/bin/temporal", "usr/local/bin/temporal-server"} {
		path := filepath.Join(root, program)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte("#!/bin/sh\n"), 0o755))
	}
	require.NoError(t, os.CopyFS(filepath.Join(root, "usr/lib/systemd/system"), os.DirFS("/usr/lib/systemd/system")))
	require.NoError(t, os.MkdirAll(filepath.Join(root, "etc/systemd/system"), 0o755))
	arguments := []string{"verify", "--man=no", "--root=" + root}
	for _, unit := range units {
		content, err := os.ReadFile(unit)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(root, "etc/systemd/system", filepath.Base(unit)), content, 0o644))
		arguments = append(arguments, filepath.Base(unit))
	}
	out, err := exec.CommandContext(t.Context(), analyze, arguments...).CombinedOutput()
	require.NoError(t, err, string(out))
	require.Empty(t, string(out), "unknown keys are only warnings")
	for _, unit := range units {
		// The threshold is ten times what systemd shows as the exposure.
		out, err := exec.CommandContext(t.Context(), analyze, "security", "--offline=true", "--threshold=20", unit).CombinedOutput()
		require.NoError(t, err, string(out))
	}
}

// TestNamespaceUnit makes sure that a server that starts in place of the other gets the
// namespace, too: systemd does not start what counts as active.
func TestNamespaceUnit(t *testing.T) {
	unit, err := os.ReadFile(unitFolder + "/aftercall-namespace.service")
	require.NoError(t, err)
	require.Contains(t, string(unit), "\nType=oneshot\n")
	require.NotContains(t, string(unit), "\nRemainAfterExit=")
	for _, server := range []string{"aftercall-temporal", "aftercall-temporal-postgresql"} {
		unit, err := os.ReadFile(unitFolder + "/" + server + ".service")
		require.NoError(t, err)
		require.Regexp(t, `(?m)^Wants=.*\baftercall-namespace\.service$`, string(unit))
	}
}

// TestEnvironmentFile makes sure that the processes know every variable of the
// package's environment file.
func TestEnvironmentFile(t *testing.T) {
	file, err := os.Open(unitFolder + "/aftercall.env")
	require.NoError(t, err)
	defer file.Close()
	documented, err := os.ReadFile("../../docs/configuration.md")
	require.NoError(t, err)
	environ := map[string]string{}
	for lines := bufio.NewScanner(file); lines.Scan(); {
		name, value, found := strings.Cut(lines.Text(), "=")
		if !found || strings.HasPrefix(name, "#") {
			continue
		}
		require.Contains(t, string(documented), "`"+name+"`")
		environ[name] = value
	}
	require.Greater(t, len(environ), 5)
	_, err = config.Operator(environ)
	require.NoError(t, err)
}

// TestPostinst runs the script of the package: the secrets are for their group, and an
// upgrade does not fail where somebody has removed a file.
func TestPostinst(t *testing.T) {
	script, err := os.ReadFile("../deploy/debian/postinst")
	require.NoError(t, err)
	root := t.TempDir()
	folder, bin := filepath.Join(root, "aftercall"), filepath.Join(root, "bin")
	require.NoError(t, os.MkdirAll(folder, 0o700))
	require.NoError(t, os.MkdirAll(bin, 0o700))
	for _, program := range []string{"systemd-sysusers", "systemctl", "chown"} {
		require.NoError(t, os.WriteFile(filepath.Join(bin, program), []byte("#!/bin/sh\necho \"${0##*/} $*\"\n"), 0o700))
	}
	for _, name := range []string{"aftercall.env", "aftercall.yaml"} {
		require.NoError(t, os.WriteFile(filepath.Join(folder, name), nil, 0o600))
	}
	here := strings.NewReplacer("/etc/aftercall", folder, "/run/systemd/system", root).Replace(string(script))
	run := exec.CommandContext(t.Context(), "sh", "-c", here, "postinst", "configure", "1.2.0")
	run.Env = []string{"PATH=" + bin + ":" + os.Getenv("PATH")}
	out, err := run.CombinedOutput()
	require.NoError(t, err, string(out))
	require.Equal(t, strings.ReplaceAll(`systemd-sysusers aftercall.conf
chown root:aftercall FOLDER/aftercall.env
chown root:aftercall FOLDER/aftercall.yaml
systemctl daemon-reload
systemctl try-restart aftercall-worker.service
systemctl try-restart aftercall-starter.service
`, "FOLDER", folder), string(out))
	info, err := os.Stat(filepath.Join(folder, "aftercall.env"))
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o640), info.Mode())
}
