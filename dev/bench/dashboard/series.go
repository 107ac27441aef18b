package dashboard

import (
	"context"
	"fmt"
	"math"
	"time"

	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"
	"gonum.org/v1/plot/plotter"

	"aftercall/dev/grafana"
)

// Filled is a panel with the values that its queries return.
type Filled struct {
	grafana.Panel
	Series []Series
}

// Series is a line. Where there is no value it is interrupted.
type Series struct {
	Name string
	// Parts have minutes since the begin of the picture as X.
	Parts []plotter.XYs
}

// last is the last value, if there is one.
func (s Series) last() (value float64, ok bool) {
	if len(s.Parts) == 0 {
		return 0, false
	}
	part := s.Parts[len(s.Parts)-1]
	return part[len(part)-1].Y, true
}

// fill runs the queries of all panels. A query that returns nothing is an error: its
// panel would be empty.
func fill(ctx context.Context, prometheus v1.API, panels []grafana.Panel, during v1.Range, window time.Duration) ([]Filled, error) {
	filled := make([]Filled, len(panels))
	for i, panel := range panels {
		filled[i].Panel = panel
		for _, query := range panel.Targets {
			expr, err := query.PromQL(window)
			if err != nil {
				return nil, err
			}
			answer, _, _, err := prometheus.QueryRange(ctx, expr, during)
			if err != nil {
				return nil, fmt.Errorf("%s: %s: %w", panel.Title, expr, err)
			}
			matrix, ok := answer.(model.Matrix)
			if !ok || len(matrix) == 0 {
				return nil, fmt.Errorf("%s: no data for %s", panel.Title, expr)
			}
			for _, stream := range matrix {
				labels := map[string]string{}
				for name, value := range stream.Metric {
					labels[string(name)] = string(value)
				}
				filled[i].Series = append(filled[i].Series, Series{query.Legend(labels), parts(stream.Values, during)})
			}
		}
	}
	return filled, nil
}

// parts leaves out what is no number, and begins a new part after a gap.
func parts(values []model.SamplePair, during v1.Range) (all []plotter.XYs) {
	var before time.Time
	for _, v := range values {
		value := float64(v.Value)
		if math.IsNaN(value) || math.IsInf(value, 0) {
			continue
		}
		at := v.Timestamp.Time()
		if len(all) == 0 || at.Sub(before) > during.Step*3/2 {
			all = append(all, nil)
		}
		before = at
		all[len(all)-1] = append(all[len(all)-1], plotter.XY{X: at.Sub(during.Start).Minutes(), Y: value})
	}
	return all
}
