package tracereceiver

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Gantt returns a trace as a Mermaid Gantt chart, which GitHub renders: a
// section for each process, and in it a bar for each span.
func Gantt(title string, nodes []Node) string {
	var start time.Time
	var services []string
	for _, n := range nodes {
		if start.IsZero() || n.Start.Before(start) {
			start = n.Start
		}
		if !slices.Contains(services, n.Service) {
			services = append(services, n.Service)
		}
	}
	var chart strings.Builder
	// Mermaid's smallest unit is a millisecond. A microsecond of the trace is
	// drawn as one, so that the axis, which counts seconds, shows milliseconds.
	fmt.Fprintf(&chart, "gantt\n    title %s\n    dateFormat x\n    axisFormat %%s ms\n    todayMarker off\n", title)
	for _, service := range services {
		fmt.Fprintf(&chart, "    section %s\n", strings.TrimPrefix(service, "aftercall-"))
		for _, n := range nodes {
			if n.Service == service {
				duration := n.End.Sub(n.Start)
				fmt.Fprintf(&chart, "    %s %.1f ms :%d, %dms\n", strings.ReplaceAll(n.Name, ":", " "),
					duration.Seconds()*1000, n.Start.Sub(start).Microseconds(), max(duration.Microseconds(), 1))
			}
		}
	}
	return chart.String()
}
