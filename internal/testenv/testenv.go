// Package testenv gives tests the real programs and the configuration that they
// need, and compares the documentation with the code. Tests of a program that
// this machine lacks log that and pass; where AFTERCALL_TEST_REQUIRE names the
// program, as in CI, they fail. It takes a comma separated list of: redis,
// postgres, haproxy, chromium, promtool, prometheus, node, python3,
// python3-cryptography, bwrap, skopeo, systemd-analyze, caddy, curl, openssl, and cluster
// and temporal-server, which make test-cluster builds.
package testenv

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"aftercall/internal/freeport"
)

// RequireVariable is the environment variable that names the programs whose
// absence fails the tests.
const RequireVariable = "AFTERCALL_TEST_REQUIRE"

// FreePort returns a TCP port of the loopback interface that is free now.
func FreePort(t testing.TB) int {
	t.Helper()
	ports, err := freeport.Find(1)
	require.NoError(t, err)
	return ports[0]
}

// required reports whether the tests of the named program must run.
func required(name string) bool {
	return slices.Contains(strings.Split(os.Getenv(RequireVariable), ","), name)
}

// reportMissing logs that a program is not on this machine, or fails the test
// where that program is required.
func reportMissing(t testing.TB, name, install string) {
	t.Helper()
	if required(name) {
		t.Fatalf("%s is required by %s but not on this machine: %s", name, RequireVariable, install)
	}
	t.Logf("%s is not on this machine, so its tests did not run: %s", name, install)
}
