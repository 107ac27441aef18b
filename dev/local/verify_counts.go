package local

import (
	"context"
	"fmt"
)

// counts are counters of the starter.
type counts struct{ started, duplicates, conflicts float64 }

func deviationsOfCounts(samples []Sample, before, after counts) []string {
	want := counts{}
	for _, s := range samples {
		if !s.Spec.Lose {
			want.started++
		}
		want.duplicates += float64(s.Want.Duplicates)
		want.conflicts += float64(s.Want.Conflicts)
	}
	var deviations []string
	for _, c := range []struct {
		name      string
		got, want float64
	}{
		{"started workflows", after.started - before.started, want.started},
		{"dropped duplicates", after.duplicates - before.duplicates, want.duplicates},
		{"conflicts", after.conflicts - before.conflicts, want.conflicts},
	} {
		if c.got != c.want {
			deviations = append(deviations, fmt.Sprintf("the starter counted %v %s, want %v", c.got, c.name, c.want))
		}
	}
	return deviations
}

// starterCounts reads the counters from the metrics of all starters.
func (s *Stack) starterCounts(ctx context.Context) (sum counts, err error) {
	for _, port := range s.ports.StarterAdmins {
		one, err := countsOf(ctx, metricsURL(port))
		if err != nil {
			return counts{}, err
		}
		sum.started += one.started
		sum.duplicates += one.duplicates
		sum.conflicts += one.conflicts
	}
	return sum, nil
}

func countsOf(ctx context.Context, url string) (counts, error) {
	families, err := Metrics(ctx, url)
	if err != nil {
		return counts{}, err
	}
	sum := func(family, outcome string) (total float64) {
		for _, m := range families[family].GetMetric() {
			for _, l := range m.GetLabel() {
				if outcome == "" || (l.GetName() == "outcome" && l.GetValue() == outcome) {
					total += m.GetCounter().GetValue()
					break
				}
			}
		}
		return total
	}
	return counts{
		started:    sum("aftercall_callbacks_total", "started"),
		duplicates: sum("aftercall_callbacks_total", "duplicate"),
		conflicts:  sum("aftercall_callback_conflicts_total", ""),
	}, nil
}
