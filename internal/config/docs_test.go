package config

import (
	"fmt"
	"reflect"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"aftercall/internal/billing"
	"aftercall/internal/testenv"
)

const referenceFile = "../../docs/configuration.md"

// requireTable compares the table below a heading of the reference with rows.
func requireTable(t *testing.T, heading string, rows []string) {
	t.Helper()
	testenv.RequireTable(t, referenceFile, heading, rows)
}

func row(key, defaultText, doc string, required bool) string {
	switch {
	case required:
		defaultText = "required"
	case defaultText != "":
		defaultText = "`" + defaultText + "`"
	default:
		defaultText = "–"
	}
	return fmt.Sprintf("| `%s` | %s | %s |", key, defaultText, doc)
}

// keysOf lists the keys of a YAML structure and of what is below it. [] stands
// for the items of a list, <name> for a free key.
func keysOf(t reflect.Type, path string) []string {
	switch {
	case isScalar(t):
		return nil
	case t.Kind() == reflect.Pointer:
		return keysOf(t.Elem(), path)
	case t.Kind() == reflect.Slice:
		return keysOf(t.Elem(), path+"[]")
	case t.Kind() == reflect.Map:
		return keysOf(t.Elem(), path+".<name>")
	}
	var rows []string
	for _, f := range fieldsOf(t) {
		key := child(path, f.name)
		rows = append(rows, row(key, f.defaultText, f.doc, f.required))
		rows = append(rows, keysOf(t.FieldByIndex(f.index).Type, key)...)
	}
	return rows
}

func TestReferenceOfTheFile(t *testing.T) {
	rows := keysOf(reflect.TypeFor[Config](), "")
	require.Greater(t, len(rows), 30)
	requireTable(t, "The file", rows)
}

func TestReferenceOfTheEnvironment(t *testing.T) {
	shared := variablesOf(reflect.TypeFor[Common]())
	for _, c := range []struct {
		heading   string
		variables []variable
		common    bool
	}{
		{"The environment of both", shared, true},
		{"The environment of the starter", variablesOf(reflect.TypeFor[StarterSettings]()), false},
		{"The environment of the worker", variablesOf(reflect.TypeFor[WorkerSettings]()), false},
	} {
		var rows []string
		for _, v := range c.variables {
			require.NotEmpty(t, v.doc, v.name)
			if slices.Contains(shared, v) == c.common {
				rows = append(rows, row(v.name, v.defaultText, v.doc, v.required))
			}
		}
		requireTable(t, c.heading, rows)
	}
}

// Every key must say what it means, and every default must be one that the key accepts.
func TestTagsAreComplete(t *testing.T) {
	for _, structure := range []reflect.Type{
		reflect.TypeFor[Config](), reflect.TypeFor[App](), reflect.TypeFor[Callback](), reflect.TypeFor[Target](), reflect.TypeFor[Relay](), reflect.TypeFor[Mail](), reflect.TypeFor[Stripe](),
		reflect.TypeFor[billing.Tariff](), reflect.TypeFor[billing.Version](), reflect.TypeFor[billing.Rule](),
	} {
		for _, f := range fieldsOf(structure) {
			require.NotEmpty(t, f.doc, "%s.%s", structure, f.name)
			require.False(t, f.required && f.defaultText != "", "%s.%s is required and has a default", structure, f.name)
			if f.defaultText != "" {
				v := reflect.New(structure.FieldByIndex(f.index).Type).Elem()
				require.Empty(t, setScalar(v, scalar{text: f.defaultText}), "%s.%s", structure, f.name)
			}
		}
	}
}
