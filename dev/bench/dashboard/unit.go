package dashboard

import (
	"fmt"
	"math"
	"strconv"

	"gonum.org/v1/plot"
)

// unit writes a value as Grafana does for a unit of its own.
type unit func(value float64) string

// units are those that the dashboard uses, by Grafana's names for them.
var units = map[string]unit{
	"short": number,
	"none":  number,
	"reqps": func(v float64) string { return number(v) + "/s" },
	"s":     seconds,
	"bytes": func(v float64) string { return number(v/(1<<20)) + " MiB" },
}

func unitOf(p Filled) (unit, error) {
	u, ok := units[p.FieldConfig.Defaults.Unit]
	if !ok {
		return nil, fmt.Errorf("%s: the unit %q is not known here: add it to dev/bench/dashboard/unit.go", p.Title, p.FieldConfig.Defaults.Unit)
	}
	return u, nil
}

// number writes three digits.
func number(v float64) string {
	if math.Abs(v) >= 1000 {
		return number(v/1000) + " K"
	}
	return strconv.FormatFloat(rounded(v), 'f', -1, 64)
}

// rounded has three digits.
func rounded(v float64) float64 {
	if v == 0 {
		return 0
	}
	scale := math.Pow(10, 2-math.Floor(math.Log10(math.Abs(v))))
	return math.Round(v*scale) / scale
}

func seconds(v float64) string {
	switch {
	case v == 0:
		return "0 s"
	case v < 1:
		return number(v*1000) + " ms"
	case v < 120:
		return number(v) + " s"
	case v < 2*3600:
		return number(v/60) + " min"
	}
	return number(v/3600) + " h"
}

// Ticks implements plot.Ticker.
func (u unit) Ticks(low, high float64) (ticks []plot.Tick) {
	for _, tick := range (plot.DefaultTicks{}).Ticks(low, high) {
		if !tick.IsMinor() {
			ticks = append(ticks, plot.Tick{Value: tick.Value, Label: u(tick.Value)})
		}
	}
	return ticks
}
