package ledger_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"aftercall/internal/ledger"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"
)

func testConcurrentCharges(t *testing.T, url string) {
	const handles, attempts, calls = 4, 20, 5
	var insertions atomic.Int64
	var winners sync.Map
	var group errgroup.Group
	for h := range handles {
		l := open(t, url)
		for a := range attempts {
			group.Go(func() error {
				for c := range calls {
					e := entry(t, fmt.Sprintf("call-%d", c), fmt.Sprintf("run-%d-%d", h, a), "0.05")
					stored, inserted, err := l.Charge(context.Background(), e)
					if err != nil {
						return err
					}
					if inserted {
						insertions.Add(1)
					}
					if winner, _ := winners.LoadOrStore(stored.CallID(), stored.FirstRunID); winner != stored.FirstRunID {
						return fmt.Errorf("%s was booked by %s and by %s", stored.CallID(), winner, stored.FirstRunID)
					}
					if inserted != (stored.FirstRunID == e.FirstRunID) {
						return fmt.Errorf("%s: inserted is %t, but the entry is of %s", e.FirstRunID, inserted, stored.FirstRunID)
					}
				}
				return nil
			})
		}
	}
	require.NoError(t, group.Wait())
	require.EqualValues(t, calls, insertions.Load())
}

func testConcurrentOpens(t *testing.T, url string) {
	var group errgroup.Group
	for i := range 6 {
		group.Go(func() error {
			l, err := ledger.Open(context.Background(), url, ledger.Options{})
			if err != nil {
				return err
			}
			_, inserted, err := l.Charge(context.Background(), entry(t, fmt.Sprintf("call-%d", i), "run", "0.05"))
			if err == nil && !inserted {
				err = fmt.Errorf("call-%d was there already", i)
			}
			return errors.Join(err, l.Close())
		})
	}
	require.NoError(t, group.Wait())
}

// childVariable makes TestChild the child of TestManyProcesses.
const childVariable = "AFTERCALL_TEST_LEDGER_CHILD"

func testProcesses(t *testing.T, url string) {
	const processes, own, shared = 4, 10, 10
	outputs := make([]bytes.Buffer, processes)
	var group errgroup.Group
	for i := range processes {
		group.Go(func() error {
			cmd := exec.Command(os.Args[0], "-test.run=^TestChild$", "-test.v")
			cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%d %d %d %s", childVariable, i, own, shared, url))
			cmd.Stdout, cmd.Stderr = &outputs[i], &outputs[i]
			if err := cmd.Run(); err != nil {
				return fmt.Errorf("%w: %s", err, outputs[i].String())
			}
			return nil
		})
	}
	require.NoError(t, group.Wait())
	inserted := 0
	for i := range outputs {
		_, after, ok := strings.Cut(outputs[i].String(), "inserted=")
		require.True(t, ok)
		number, _, _ := strings.Cut(after, "\n")
		n, err := strconv.Atoi(number)
		require.NoError(t, err)
		inserted += n
	}
	require.Equal(t, processes*own+shared, inserted)
}

// TestChild is what each process of TestManyProcessesShareALedger does. On its
// own it does nothing.
func TestChild(t *testing.T) {
	instructions := os.Getenv(childVariable)
	if instructions == "" {
		return
	}
	var me, own, shared int
	var url string
	_, err := fmt.Sscan(instructions, &me, &own, &shared, &url)
	require.NoError(t, err)
	l := open(t, url)
	inserted := 0
	charge := func(callID string) {
		_, ok, err := l.Charge(context.Background(), entry(t, callID, fmt.Sprintf("run-%d", me), "0.05"))
		require.NoError(t, err)
		if ok {
			inserted++
		}
	}
	for i := range max(own, shared) {
		if i < own {
			charge(fmt.Sprintf("own-%d-%d", me, i))
		}
		if i < shared {
			charge(fmt.Sprintf("shared-%d", i))
		}
	}
	fmt.Printf("inserted=%d\n", inserted)
}
