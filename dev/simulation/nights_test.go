package simulation

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"aftercall/dev/docsection"
	"aftercall/dev/faults/checker"
)

var (
	seeds     = flag.String("seeds", "1..100", "the seeds of TestNights")
	until     = flag.String("until", "", "end TestNights with the first finding of this kind")
	document  = flag.String("document", "", "the file whose table TestNights writes")
	processes = flag.Int("processes", 0, "run the seeds of TestNights in so many processes at once, 0 for this one")
	sums      = flag.String("sums", "", "the file into which TestNights writes its sums, for the process that started it")
)

// TestNights simulates a night for each seed.
func TestNights(t *testing.T) {
	var from, to uint64
	_, err := fmt.Sscanf(*seeds, "%d..%d", &from, &to)
	require.NoError(t, err, "-seeds must be like 1..100")
	total := newTotals(from, to)
	if *processes > 0 {
		total.inProcesses(t)
	} else {
		total.here(t)
	}
	t.Logf("%d calls, %d entries, %d messages, %.0f days simulated", total.Calls, total.Entries, total.Messages, total.Simulated.Hours()/24)
	if *document != "" {
		require.NoError(t, docsection.Update(*document, docsection.Section{Name: "simulation", Text: total.table()}))
	}
	if *sums != "" {
		text, err := json.Marshal(total)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(*sums, text, 0o600))
		return
	}
	if to-from+1 < enough || *until != "" {
		return
	}
	for _, fault := range Faults() {
		require.Positive(t, total.Faults[fault], "%q has not occurred", fault)
	}
}

const (
	// enough seeds have every kind of fault.
	enough = 100
	// slice is how many seeds a process runs: its memory ends with it.
	slice = 20
)

// here runs the seeds one by one.
func (n *totals) here(t *testing.T) {
	t.Helper()
	for s := n.From; s <= n.To; s++ {
		result := Run(t, s, Options{Calls: *calls})
		n.add(result)
		if len(result.Findings) > 0 {
			result.explain(t)
			if slices.ContainsFunc(result.Findings, func(f checker.Finding) bool { return f.Kind == *until }) {
				t.FailNow()
			}
		}
	}
}

// inProcesses runs slices of the seeds in processes like this one, goes on after
// findings, and says how far it is.
func (n *totals) inProcesses(t *testing.T) {
	t.Helper()
	program, err := os.Executable()
	require.NoError(t, err)
	folder, began := t.TempDir(), time.Now()
	var group errgroup.Group
	group.SetLimit(*processes)
	var mu sync.Mutex
	done := uint64(0)
	for from := n.From; from <= n.To; from += slice {
		group.Go(func() error {
			to := min(from+slice-1, n.To)
			file := filepath.Join(folder, strconv.FormatUint(from, 10))
			output, failed := exec.CommandContext(t.Context(), program, "-test.run", "TestNights", "-test.v", "-test.timeout", "0",
				"-seeds", fmt.Sprintf("%d..%d", from, to), "-calls", strconv.Itoa(*calls), "-sums", file).CombinedOutput()
			mu.Lock()
			defer mu.Unlock()
			if failed != nil {
				t.Errorf("seeds %d to %d: %s\n%s", from, to, failed, output)
			}
			text, err := os.ReadFile(file)
			if err != nil {
				return fmt.Errorf("seeds %d to %d did not end: %w", from, to, err)
			}
			var part totals
			if err := json.Unmarshal(text, &part); err != nil {
				return err
			}
			n.sum(part)
			done += to - from + 1
			t.Logf("%d of %d seeds, %d findings, %s", done, n.To-n.From+1, n.found(), time.Since(began).Round(time.Second))
			return nil
		})
	}
	require.NoError(t, group.Wait())
}
