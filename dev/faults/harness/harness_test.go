package main

import (
	"bytes"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"aftercall/dev/local"
	"aftercall/internal/testenv"
)

var allNetworks = []string{"redis", "temporal", "ledger", "tencent", "receivers"}

// TestSeed runs a short plan on the development stack.
func TestSeed(t *testing.T) {
	if !testenv.Programs(t) {
		return
	}
	root, err := filepath.Abs("../../..")
	require.NoError(t, err)
	build := exec.CommandContext(t.Context(), "go", "build", "-o", filepath.Join(root, "bin")+"/", "./starter", "./worker")
	build.Dir = root
	out, err := build.CombinedOutput()
	require.NoError(t, err, string(out))
	var printed bytes.Buffer
	s := setup{root: root, bin: filepath.Join(root, "bin"), topology: local.Dev, calls: 20, out: &printed}
	s.temporal, err = local.TemporalPath(t.Context(), root)
	require.NoError(t, err)
	r, err := s.run(t.Context(), 1)
	require.NoError(t, err, printed.String())
	require.Empty(t, r.findings, printed.String())
	require.Len(t, r.plan.calls, 20)
	require.Greater(t, r.delivered, 20)
}

// TestPlanDependsOnTheSeedAlone makes sure that a seed reproduces its plan, and that
// other seeds are other plans.
func TestPlanDependsOnTheSeedAlone(t *testing.T) {
	for _, topology := range []local.Topology{local.Dev, local.Cluster} {
		of := func(seed uint64) (described []string, calls []plannedCall) {
			p := newPlan(seed, topology, allNetworks, 50)
			for _, s := range p.steps {
				described = append(described, s.after.String()+" "+s.lasts.String()+" "+s.fault.String())
			}
			return described, p.calls
		}
		steps, calls := of(7)
		again, callsAgain := of(7)
		require.Equal(t, steps, again)
		require.Equal(t, calls, callsAgain)
		others, otherCalls := of(8)
		require.NotEqual(t, steps, others)
		require.NotEqual(t, calls, otherCalls)
	}
}

// TestPlansInjectEverything makes sure that a hundred seeds inject the whole catalogue.
func TestPlansInjectEverything(t *testing.T) {
	for _, topology := range []local.Topology{local.Dev, local.Cluster} {
		want := map[string]bool{}
		for _, f := range slices.Concat(catalogue(topology, allNetworks)...) {
			require.False(t, want[f.String()], "%s is in the catalogue twice", f)
			want[f.String()] = true
		}
		for seed := range uint64(100) {
			for _, s := range newPlan(seed, topology, allNetworks, 0).steps {
				delete(want, s.fault.String())
			}
		}
		require.Empty(t, want)
	}
}

func TestParseSeeds(t *testing.T) {
	first, last, err := parseSeeds("3..20")
	require.NoError(t, err)
	require.Equal(t, [2]uint64{3, 20}, [2]uint64{first, last})
	first, last, err = parseSeeds("7")
	require.NoError(t, err)
	require.Equal(t, [2]uint64{7, 7}, [2]uint64{first, last})
	for _, wrong := range []string{"", "a", "1..", "5..4", "-1"} {
		_, _, err := parseSeeds(wrong)
		require.ErrorContains(t, err, "--seeds", wrong)
	}
}
