package billing_test

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// TestNoFloats: the packages that compute with money use no floating point numbers.
func TestNoFloats(t *testing.T) {
	for _, folder := range []string{".", "../ledger", "../ops"} {
		files, err := filepath.Glob(filepath.Join(folder, "*.go"))
		require.NoError(t, err)
		require.NotEmpty(t, files, folder)
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
			require.NoError(t, err)
			ast.Inspect(parsed, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.Ident:
					require.NotContains(t, []string{"float32", "float64", "ParseFloat", "Float64", "AppendFloat", "FormatFloat"}, n.Name, file)
				case *ast.BasicLit:
					require.NotEqual(t, token.FLOAT, n.Kind, "%s in %s", n.Value, file)
				}
				return true
			})
		}
	}
}

// TestIndependentOfLocaleAndZone charges the same calls with other locales and time
// zones.
func TestIndependentOfLocaleAndZone(t *testing.T) {
	local := time.Local
	t.Cleanup(func() { time.Local = local })
	rapid.Check(t, func(rt *rapid.T) {
		tariff, seconds := anyTariff(rt), duration(rt, "seconds")
		var first string
		for i, place := range []struct{ locale, zone string }{{"C", "UTC"}, {"de_DE.UTF-8", "Asia/Tokyo"}, {"fr_FR.UTF-8", "America/St_Johns"}} {
			for _, variable := range []string{"LANG", "LC_ALL", "LC_NUMERIC"} {
				t.Setenv(variable, place.locale)
			}
			zone, err := time.LoadLocation(place.zone)
			require.NoError(rt, err)
			time.Local = zone
			charge, err := json.Marshal(rateProperty(rt, seconds, tariff))
			require.NoError(rt, err)
			if i == 0 {
				first = string(charge)
			}
			require.Equal(rt, first, string(charge), place.locale)
		}
	})
}
