// Package testenv gives tests the real programs that they need, and compares
// what they make with the documentation. A program that this machine lacks
// makes the tests of it say so; where AFTERCALL_TEST_REQUIRE names it (comma
// separated: redis, postgres, chromium, promtool, prometheus, node, python3), as in CI,
// its absence is a failure.
package testenv

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"aftercall/internal/freeport"
)

// RequireVariable names the programs whose absence fails the tests.
const RequireVariable = "AFTERCALL_TEST_REQUIRE"

// FreePort returns a TCP port of the loopback interface that was free just now.
func FreePort(t testing.TB) int {
	t.Helper()
	ports, err := freeport.Find(1)
	require.NoError(t, err)
	return ports[0]
}

// required reports whether the named program must be there.
func required(name string) bool {
	return slices.Contains(strings.Split(os.Getenv(RequireVariable), ","), name)
}

// missing tells that a program is not on this machine, which fails the test
// where that program is required.
func missing(t testing.TB, name, cure string) {
	t.Helper()
	if required(name) {
		t.Fatalf("%s is required by %s but not on this machine: %s", name, RequireVariable, cure)
	}
	t.Logf("%s is not on this machine, so its tests did not run: %s", name, cure)
}
