package local

import (
	"context"
	"fmt"
	"net/http"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
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
		one, err := s.countsOf(ctx, metricsURL(port))
		if err != nil {
			return counts{}, err
		}
		sum.started += one.started
		sum.duplicates += one.duplicates
		sum.conflicts += one.conflicts
	}
	return sum, nil
}

func (s *Stack) countsOf(ctx context.Context, url string) (counts, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return counts{}, err
	}
	resp, err := s.http.Do(req)
	if err != nil {
		return counts{}, fmt.Errorf("metrics of the starter: %w", err)
	}
	defer resp.Body.Close()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(resp.Body)
	if err != nil {
		return counts{}, fmt.Errorf("metrics of the starter: %w", err)
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
