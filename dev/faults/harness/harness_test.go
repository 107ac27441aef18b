package main

import (
	"bytes"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"
	"github.com/stretchr/testify/require"

	"aftercall/dev/faults/checker"
	"aftercall/dev/faults/planted"
	"aftercall/dev/faults/planted/active"
	"aftercall/dev/local"
	"aftercall/internal/tencent"
	"aftercall/internal/testenv"
)

// TestSeed runs half a plan on the development stack.
func TestSeed(t *testing.T) {
	if !testenv.Programs(t, "redis") {
		return
	}
	root, err := filepath.Abs("../../..")
	require.NoError(t, err)
	build := exec.CommandContext(t.Context(), "go", "build", "-o", filepath.Join(root, "bin")+"/", ".", "./starter", "./worker")
	build.Dir = root
	out, err := build.CombinedOutput()
	require.NoError(t, err, string(out))
	var printed bytes.Buffer
	s := setup{root: root, bin: filepath.Join(root, "bin"), topology: local.Dev, faults: 4, calls: 20, out: &printed}
	s.temporal, err = local.TemporalPath(t.Context(), root)
	require.NoError(t, err)
	r, err := s.run(t.Context(), 9) // whose first faults need no other build of the product
	require.NoError(t, err, printed.String())
	require.Empty(t, r.findings, printed.String())
	require.Len(t, r.plan.calls, 20)
	require.Greater(t, r.delivered, 20)
	require.NotEmpty(t, r.injected, "a run without a fault proves nothing")
}

// TestPlanDependsOnTheSeedAlone makes sure that a seed reproduces its plan, and that
// other seeds are other plans.
func TestPlanDependsOnTheSeedAlone(t *testing.T) {
	for _, topology := range []local.Topology{local.Dev, local.Cluster} {
		of := func(seed uint64) (described []string, calls []plannedCall) {
			p := newPlan(seed, deal(seed, catalogue(topology)), 50)
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

// TestSeedsInjectEverything makes sure that 20 seeds in a row inject the whole
// catalogue, and that a seed takes less than two minutes.
func TestSeedsInjectEverything(t *testing.T) {
	for _, topology := range []local.Topology{local.Dev, local.Cluster} {
		faults := catalogue(topology)
		t.Logf("%s: %d faults, %d times a fault in %d seeds", topology.Name, len(faults), seedsForAll*faultsInPlan, seedsForAll)
		for _, first := range []uint64{1, 7, 300} {
			missing := map[string]bool{}
			for _, f := range faults {
				require.False(t, missing[f.String()], "%s is in the catalogue twice", f)
				missing[f.String()] = true
			}
			for seed := first; seed < first+seedsForAll; seed++ {
				var length time.Duration
				p := newPlan(seed, deal(seed, faults), 0)
				for _, s := range p.steps {
					delete(missing, s.fault.String())
					length += s.after + s.lasts
				}
				require.Len(t, p.steps, faultsInPlan)
				require.Less(t, length, 2*time.Minute)
			}
			require.Empty(t, missing)
		}
	}
}

func TestCertainFaults(t *testing.T) {
	p, err := setup{topology: local.Dev, only: []string{"redis: FLUSHALL"}, calls: 5}.plan(1)
	require.NoError(t, err)
	require.Len(t, p.steps, 1)
	require.Equal(t, "redis: FLUSHALL", p.steps[0].fault.String())
	require.Len(t, p.calls, 5)
	_, err = setup{topology: local.Dev, only: []string{"redis"}}.plan(1)
	require.ErrorContains(t, err, "--fault redis: must be one of:\nstarters: rolling restart\n")
}

// TestPlansHaveEveryKindOfCall makes sure that the calls of 20 seeds in a row have
// everything that can be wrong with a call.
func TestPlansHaveEveryKindOfCall(t *testing.T) {
	missing := map[string]bool{
		"lost": true, "at once": true, "out of order": true, "after Redis forgot": true, "conflict": true, "later conflict": true,
		"odd callback": true, "made up": true, "late record": true, "odd record": true, "unusual record": true,
		"too long": true, "decided with seconds": true, "confirmed": true, "odd record decided": true, "odd caller": true, "odd members": true, "odd type": true, "reverse": true, "reverse undo": true, "adjust": true, "adjust reverse": true, "adjust reverse undo": true,
		"no record": true, "no record, free": true, "no record, seen": true, "no record, robot": true, "no record, not connected": true, "no record, conflict": true,
	}
	for seed := range uint64(20) {
		for _, c := range newPlan(seed, nil, 60).calls {
			deliveries := c.deliveries()
			if c.atLast {
				deliveries++
				require.True(t, c.recorded)
			}
			require.LessOrEqual(t, deliveries, mostDeliveries)
			for name, has := range map[string]bool{
				"lost": c.spec.Lose && len(c.again) == 0, "at once": c.spec.Duplicates > 0 && c.spec.Concurrent,
				"out of order": c.spec.Lose && len(c.again) > 0, "after Redis forgot": c.forgotten && len(c.again) > 0,
				"conflict": c.spec.Callback != nil, "later conflict": c.spec.LaterCallback != nil,
				"odd callback": c.spec.OddCallback != nil, "made up": c.spec.OddCallback != nil && c.spec.OddCallback[0].Field == "CallId",
				"late record": c.recorded && c.spec.RecordAfterSeconds > 0, "no record": !c.recorded && c.spec.SDKAppID == clinic,
				"no record, free": !c.recorded && c.spec.SDKAppID == tutoring, "no record, seen": !c.recorded && c.spec.SDKAppID == seminar,
				"no record, robot": !c.recorded && c.spec.SDKAppID == seminar && c.spec.Robot, "no record, not connected": !c.recorded && c.spec.SDKAppID == seminar && c.spec.Seconds == 0,
				"no record, conflict": !c.recorded && c.spec.SDKAppID == seminar && c.spec.Callback != nil,
				"odd record":          c.spec.OddRecord != nil,
				"unusual record":      c.spec.Record != nil, "too long": c.spec.Seconds > 3600, "decided with seconds": c.decision.seconds > 0,
				"confirmed": c.decision.verdict == "charge", "odd record decided": c.spec.OddRecord != nil && c.decision.seconds > 0,
				"odd caller": c.hasOdd("Caller_Account"), "odd members": c.hasOdd("CalleeList_Account"), "odd type": c.hasOdd("CallType"),
				kindsOf(c.corrections): true,
			} {
				if has {
					delete(missing, name)
				}
			}
		}
	}
	require.Empty(t, missing)
}

func (c plannedCall) hasOdd(field string) bool {
	return c.spec.OddRecord != nil && c.spec.OddRecord[0].Field == field
}

// TestEveryKillPointIsInjected: the names of the points and those of the faults are the
// same.
func TestEveryKillPointIsInjected(t *testing.T) {
	points, err := planted.Points()
	require.NoError(t, err)
	var names []string
	for _, p := range killPoints {
		names = append(names, p.name)
	}
	require.ElementsMatch(t, planted.Names(points), names)
}

// TestNamesakes: some calls of different apps have the same CallId, and never two of one
// app. Callbacks of some are posted once more at last.
func TestNamesakes(t *testing.T) {
	for seed := range uint64(20) {
		namesakes, atLast, apps := 0, 0, map[string][]tencent.SDKAppID{}
		for _, c := range newPlan(seed, deal(seed, catalogue(local.Dev)), 60).calls {
			require.NotContains(t, apps[c.spec.CallID], c.spec.SDKAppID)
			apps[c.spec.CallID] = append(apps[c.spec.CallID], c.spec.SDKAppID)
			if len(apps[c.spec.CallID]) > 1 {
				namesakes++
			}
			if c.atLast {
				atLast++
			}
			for _, made := range c.corrections {
				require.Equal(t, checker.ID{App: nameOf(c.spec.SDKAppID), CallID: c.spec.CallID}, made.ID())
			}
		}
		require.Greater(t, namesakes, 5)
		require.Positive(t, atLast)
	}
}

func kindsOf(corrections []checker.Correction) string {
	var kinds []string
	for _, c := range corrections {
		kinds = append(kinds, c.Kind)
	}
	return strings.Join(kinds, " ")
}

// TestPeopleDecideOnlyWhatIsNotClean: a person must not be needed for the
// others, and corrects only those.
func TestPeopleDecideOnlyWhatIsNotClean(t *testing.T) {
	for seed := range uint64(5) {
		for _, c := range newPlan(seed, nil, 60).calls {
			wrong := !c.recorded || c.spec.OddRecord != nil || c.spec.Record != nil || c.spec.Seconds > 3600
			require.Equal(t, wrong, !c.clean)
			require.False(t, wrong && c.corrections != nil)
		}
	}
}

// TestAgain: a shell takes the command that repeats a run for what it means.
func TestAgain(t *testing.T) {
	again := setup{topology: local.Cluster, faults: 4, calls: 5}.again(7)
	require.Equal(t, `make faults ARGS="--seeds 7 --topology cluster --faults 4 --calls 5"`, again)
	faults := []string{"redis: kill -9", "network to temporal's database: half open"}
	again = setup{topology: local.Dev, faults: faultsInPlan, calls: 60, only: faults, environ: map[string]string{active.Variable: "no-sweep"}}.again(1)
	args := strings.TrimSuffix(strings.TrimPrefix(again, `make faults ARGS="`), `"`)
	out, err := exec.CommandContext(t.Context(), "sh", "-c", `printf '%s\n' `+strings.ReplaceAll(args, `\"`, `"`)).Output()
	require.NoError(t, err)
	c := &program{}
	parser, err := kong.New(c)
	require.NoError(t, err)
	_, err = parser.Parse(strings.Split(strings.TrimSpace(string(out)), "\n"))
	require.NoError(t, err)
	require.Equal(t, program{Root: c.Root, Seeds: "1", Topology: "dev", Calls: 60, AtOnce: 1, Faults: faultsInPlan, Fault: faults, Bug: "no-sweep"}, *c)
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
