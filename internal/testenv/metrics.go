package testenv

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
)

// descPattern matches prometheus.Desc as text, its only form.
var descPattern = regexp.MustCompile(`^Desc\{fqName: "([^"]+)", help: ("(?:[^"\\]|\\.)*"), unit: ".*", constLabels: \{\}, variableLabels: \{(.*)\}\}$`)

// MetricRows are the metrics of aftercall's own that are registered, with or
// without samples, as rows of a Markdown table: name, labels, meaning.
func MetricRows(t testing.TB, reg *prometheus.Registry) []string {
	t.Helper()
	descriptions := make(chan *prometheus.Desc)
	go func() {
		defer close(descriptions)
		reg.Describe(descriptions)
	}()
	var rows []string
	for d := range descriptions {
		if !strings.Contains(d.String(), `fqName: "aftercall_`) {
			continue // the Go runtime's, and the process's
		}
		m := descPattern.FindStringSubmatch(d.String())
		require.NotNil(t, m, "%s", d)
		help, err := strconv.Unquote(m[2])
		require.NoError(t, err)
		labels := cmp.Or(strings.ReplaceAll(m[3], ",", ", "), "–")
		rows = append(rows, fmt.Sprintf("| `%s` | %s | %s |", m[1], labels, help))
	}
	slices.Sort(rows)
	return rows
}
