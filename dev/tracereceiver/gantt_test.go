package tracereceiver

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestGantt(t *testing.T) {
	start := time.Unix(1700000000, 0)
	at := func(d time.Duration) time.Time { return start.Add(d) }
	nodes := Tree([]Span{
		{ID: "3", Parent: "2", Service: "aftercall-worker", Name: "ledger INSERT", Start: at(4 * time.Millisecond), End: at(4 * time.Millisecond)},
		{ID: "2", Parent: "1", Service: "aftercall-worker", Name: "RunWorkflow:AfterCall", Start: at(3 * time.Millisecond), End: at(12300 * time.Microsecond)},
		{ID: "4", Parent: "1", Service: "aftercall-starter", Name: "redis set", Start: at(5 * time.Millisecond), End: at(6 * time.Millisecond)},
		{ID: "1", Service: "aftercall-starter", Name: "callback", Start: start, End: at(7 * time.Millisecond)},
	})
	require.Equal(t, `gantt
    title One call
    dateFormat x
    axisFormat %s ms
    todayMarker off
    section starter
    callback 7.0 ms :0, 7000ms
    redis set 1.0 ms :5000, 1000ms
    section worker
    RunWorkflow AfterCall 9.3 ms :3000, 9300ms
    ledger INSERT 0.0 ms :4000, 1ms
`, Gantt("One call", nodes))
}
