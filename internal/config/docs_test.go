package config

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"aftercall/internal/billing"
	"aftercall/internal/notify"
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

// TestReferenceOfTheChannels compares the keys of all channels with the table. A
// key that several channels define in the same way is one row.
func TestReferenceOfTheChannels(t *testing.T) {
	var rows []string
	types := map[string][]string{}
	for _, channel := range notify.Channels() {
		for _, r := range keysOf(reflect.TypeOf(channel.NewOptions()).Elem(), "targets[]") {
			if types[r] == nil {
				rows = append(rows, r)
			}
			types[r] = append(types[r], string(channel.Type))
		}
	}
	for i, r := range rows {
		key, rest, _ := strings.Cut(strings.TrimPrefix(r, "| "), " | ")
		rows[i] = fmt.Sprintf("| %s | %s | %s", key, strings.Join(types[r], ", "), rest)
	}
	requireTable(t, "Keys of a target by type", rows)
}

// TestTagsAreComplete: every key must say what it means, and every default must
// be one that the key accepts.
func TestTagsAreComplete(t *testing.T) {
	structures := []reflect.Type{
		reflect.TypeFor[Config](), reflect.TypeFor[App](), reflect.TypeFor[Callback](), reflect.TypeFor[Target](), reflect.TypeFor[Relay](), reflect.TypeFor[Evidence](), reflect.TypeFor[AppEvidence](),
		reflect.TypeFor[notify.Mail](), reflect.TypeFor[notify.Meter](),
		reflect.TypeFor[billing.Assignment](), reflect.TypeFor[billing.PayerRule](), reflect.TypeFor[billing.Tariff](), reflect.TypeFor[billing.Version](), reflect.TypeFor[billing.Rule](),
	}
	for _, channel := range notify.Channels() {
		structures = append(structures, reflect.TypeOf(channel.NewOptions()).Elem())
	}
	for _, structure := range structures {
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

// TestKeysOfAChannelAreItsOwn: a key of a channel that every target has would
// be decoded into the target only.
func TestKeysOfAChannelAreItsOwn(t *testing.T) {
	for _, channel := range notify.Channels() {
		own := optionNames(channel)
		require.NotEmpty(t, own, channel.Type)
		for _, f := range fieldsOf(targetType) {
			require.NotContains(t, own, f.name, channel.Type)
			require.NotContains(t, own, f.oldName, channel.Type)
		}
	}
}
