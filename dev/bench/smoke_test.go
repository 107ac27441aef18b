package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"aftercall/dev/bench/contestant"
	"aftercall/dev/bench/harness"
	"aftercall/internal/config"
	"aftercall/internal/testenv"
	"aftercall/internal/testenv/programs"
)

// TestMain lets the harness run this program as a contestant.
func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == "contestant" {
		if err := contestant.Run(context.Background(), os.Args[2], config.Environ(os.Environ()), os.Stderr); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// TestSmoke runs a few calls with every contestant that needs no Temporal: each
// charges and notifies every call once, even though every callback comes twice.
func TestSmoke(t *testing.T) {
	b, ok := newBench(t)
	if !ok {
		return
	}
	for _, c := range harness.Contestants {
		if !c.Temporal {
			t.Run(c.Name, func(t *testing.T) { requireClean(t, b, c) })
		}
	}
}

// TestSmokeOnACluster does the same on a Temporal cluster, twice: the second has new
// databases.
func TestSmokeOnACluster(t *testing.T) {
	if !testenv.Programs(t) {
		return
	}
	cluster, ok := testenv.Program(t, filepath.Join("..", "bin", "cluster"), "make test-cluster builds it")
	if !ok {
		return
	}
	b, ok := newBench(t)
	if !ok {
		return
	}
	b.Cluster = cluster
	for _, c := range harness.Contestants {
		if c.Cluster && c.Runs(harness.TemporalTimer) {
			requireClean(t, b, c)
			requireClean(t, b, c)
		}
	}
}

// newBench starts the servers. ok is false where this machine lacks one.
func newBench(t *testing.T) (b *harness.Bench, ok bool) {
	t.Helper()
	dir, err := newFolder()
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(dir)) })
	servers, err := harness.StartServers(t.Context(), dir)
	if errors.As(err, new(*programs.MissingError)) && os.Getenv(testenv.RequireVariable) == "" {
		t.Log(err)
		return nil, false
	}
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, servers.Stop()) })
	self, err := os.Executable()
	require.NoError(t, err)
	return &harness.Bench{Dir: dir, Self: self, Servers: servers, Apps: 2, QuietTimeout: time.Minute}, true
}

func requireClean(t *testing.T, b *harness.Bench, c harness.Contestant) {
	t.Helper()
	results, err := b.Run(t.Context(), c, []harness.Load{{Name: harness.BurnDown, Calls: 20, Copies: 2}})
	require.NoError(t, err)
	require.Equal(t, harness.Verification{Calls: 20}, results[0].Verification)
}
