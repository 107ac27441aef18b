package main

import (
	"context"
	"errors"
	"fmt"
	"os"
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
	dir, err := newFolder()
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(dir)) })
	servers, err := harness.StartServers(t.Context(), dir)
	if errors.As(err, new(*programs.MissingError)) && os.Getenv(testenv.RequireVariable) == "" {
		t.Log(err)
		return
	}
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, servers.Stop()) })
	self, err := os.Executable()
	require.NoError(t, err)
	b := &harness.Bench{Dir: dir, Self: self, Servers: servers, Apps: 2, QuietTimeout: time.Minute}
	load := harness.Load{Name: harness.BurnDown, Calls: 20, Copies: 2}
	for _, c := range harness.Contestants {
		if c.Temporal {
			continue
		}
		t.Run(c.Name, func(t *testing.T) {
			results, err := b.Run(t.Context(), c, []harness.Load{load})
			require.NoError(t, err)
			require.Equal(t, harness.Verification{Calls: 20}, results[0].Verification)
		})
	}
}
