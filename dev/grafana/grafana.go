// Package grafana reads the dashboard in docs/grafana, for what queries and draws its
// panels.
package grafana

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// File is the path of the dashboard in the project's folder.
const File = "docs/grafana/aftercall.json"

// The types of panels. A row is a heading.
const (
	TypeRow        = "row"
	TypeStat       = "stat"
	TypeTimeSeries = "timeseries"
)

// Panel is a panel of the dashboard.
type Panel struct {
	Title   string
	Type    string
	GridPos Position
	// FieldConfig says how values are shown.
	FieldConfig struct {
		Defaults struct {
			Unit       string
			Thresholds struct{ Steps []Step }
		}
	}
	Targets []Query
}

// Position is where a panel is, in a grid of 24 columns, counted from the top left.
type Position struct{ X, Y, W, H int }

// Step is a color, and the value from which it is shown; nil for the lowest one.
type Step struct {
	Color string
	Value *float64
}

// Query is an expression, and the name of what it returns.
type Query struct{ Expr, LegendFormat string }

// Read reads the dashboard's panels. root is the project's folder.
func Read(root string) ([]Panel, error) {
	text, err := os.ReadFile(filepath.Join(root, File))
	if err != nil {
		return nil, err
	}
	var dashboard struct{ Panels []Panel }
	if err := json.Unmarshal(text, &dashboard); err != nil {
		return nil, fmt.Errorf("%s: %w", File, err)
	}
	return dashboard.Panels, nil
}

// PromQL is the expression for all apps, with rates over window.
func (q Query) PromQL(window time.Duration) (string, error) {
	expr := strings.NewReplacer("$__rate_interval", fmt.Sprintf("%ds", int(window.Seconds())), "$app", ".*").Replace(q.Expr)
	if strings.Contains(expr, "$") {
		return "", fmt.Errorf("%s: unknown variable in %s", File, expr)
	}
	return expr, nil
}

var label = regexp.MustCompile(`{{\s*(\w+)\s*}}`)

// Legend is the name of a series with these labels.
func (q Query) Legend(labels map[string]string) string {
	return label.ReplaceAllStringFunc(q.LegendFormat, func(found string) string { return labels[label.FindStringSubmatch(found)[1]] })
}
