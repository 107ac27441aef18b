package config

import (
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"

	"aftercall/internal/untrusted"
)

// decoder fills Go values from a YAML tree and continues after a problem, so that
// one run finds them all. go-yaml's own decoder stops at the first.
type decoder struct {
	file     string
	lookup   func(string) (string, bool)
	problems []Problem
	// positions has the place of every key path that the file holds.
	positions map[string]*token.Position
	// sources has the text of scalars that a variable filled in, by key path.
	// Messages show it in place of the value.
	sources map[string]string
	// values has the variables that fill in a scalar, by the text that results.
	values map[string]string
	// bad holds the key paths with a problem. Further problems with them, or with
	// keys below them, are only consequences and not reported.
	bad map[string]bool
	// variables holds the environment variables that the file names.
	variables map[string]bool
}

func newDecoder(file string, lookup func(string) (string, bool)) *decoder {
	return &decoder{
		file: file, lookup: lookup,
		positions: map[string]*token.Position{}, sources: map[string]string{}, values: map[string]string{},
		bad: map[string]bool{}, variables: map[string]bool{},
	}
}

// report notes a problem with the key at path, unless one is known already
// there or above.
func (d *decoder) report(path, format string, args ...any) {
	for p := path; p != ""; p = parent(p) {
		if d.bad[p] {
			return
		}
	}
	d.bad[path] = true
	d.add(d.place(path), path, format, args...)
}

// add notes a problem at a given place, unless there are too many. The message
// may quote a value: those of variables are masked.
func (d *decoder) add(at *token.Position, path, format string, args ...any) {
	if d.full() {
		return
	}
	message := untrusted.Mask(fmt.Sprintf(format, args...), slices.Collect(maps.Keys(d.values))...)
	p := Problem{File: d.file, Key: oneLine(shorten(path, maxShownPath)), Message: oneLine(message)}
	if at != nil {
		p.Line, p.Column = at.Line, at.Column
	}
	d.problems = append(d.problems, p)
}

// place finds the key path in the file, or what is nearest above it.
func (d *decoder) place(path string) *token.Position {
	for ; path != ""; path = parent(path) {
		if at, ok := d.positions[path]; ok {
			return at
		}
	}
	return d.positions[""]
}

// parent cuts the last element of a key path: a[1].b, a[1], a, and at last nothing.
func parent(path string) string { return path[:max(strings.LastIndexAny(path, ".["), 0)] }

// child appends a key to a key path.
func child(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// keyPattern is what all keys of the configuration look like.
var keyPattern = regexp.MustCompile(`^[A-Za-z0-9_-]{1,60}$`)

// foreignChild appends a key that is none of ours. Other text than a key may be a value
// that was meant for the key before it, and so a secret.
func foreignChild(path, key string) string {
	if !keyPattern.MatchString(key) {
		key = "…"
	}
	return child(path, key)
}

// shown is how a message may show the value at path: never the value of a
// variable.
func (d *decoder) shown(path, value string) string {
	if source, ok := d.sources[path]; ok {
		return "the value of " + source
	}
	return fmt.Sprintf("%q", shorten(value, maxShown))
}

// How many characters of a value, and of a key path, messages show.
const (
	maxShown     = 60
	maxShownPath = 200
)

func shorten(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	if runes := []rune(s[:min(len(s), limit*utf8.UTFMax)]); len(runes) > limit {
		return string(runes[:limit]) + "…"
	}
	return s
}

// value decodes node into v.
func (d *decoder) value(node ast.Node, v reflect.Value, path string) {
	if d.full() {
		return
	}
	if _, known := d.positions[path]; !known {
		d.positions[path] = position(node)
	}
	switch node.(type) {
	case *ast.AnchorNode, *ast.AliasNode, *ast.TagNode, *ast.DirectiveNode:
		d.report(path, "anchors (&), aliases (*), tags (!) and directives (%%) are not supported: write the value out")
		return
	case *ast.NullNode:
		d.report(path, "is empty: write a value or remove the key")
		return
	}
	switch {
	case isScalar(v.Type()):
		d.scalar(node, v, path)
	case v.Kind() == reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		d.value(node, v.Elem(), path)
	case v.Type() == assignmentsType:
		d.listOrText(node, v, path, "Name", "the name of a tariff, or a list of tariffs with name and effective_from")
	case v.Type() == payersType:
		d.listOrText(node, v, path, "Is", "caller, first_callee, room_owner or a template, or a list of rules with callers and is")
	case v.Type() == targetType:
		d.target(node, v, path)
	case v.Kind() == reflect.Struct:
		d.structure(node, v, path)
	case v.Kind() == reflect.Map:
		d.dictionary(node, v, path)
	case v.Kind() == reflect.Slice:
		d.list(node, v, path)
	default:
		d.report(path, "cannot be configured (%s)", v.Type())
	}
}

// structure decodes a mapping whose keys are the fields of v.
func (d *decoder) structure(node ast.Node, v reflect.Value, path string) {
	d.structures(node, path, func(string) (string, bool) { return "", false }, v)
}

// structures decodes a mapping whose keys are the fields of several structs.
// other recognizes further keys; it returns the problem with such a key, or an
// empty text if there is nothing to report.
func (d *decoder) structures(node ast.Node, path string, other func(name string) (problem string, known bool), parts ...reflect.Value) {
	var fields []field
	var values []reflect.Value
	for _, part := range parts {
		for _, f := range fieldsOf(part.Type()) {
			fields, values = append(fields, f), append(values, part.FieldByIndex(f.index))
		}
	}
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = f.name
	}
	seen, misspelt := map[string]bool{}, map[string]bool{}
	complete := d.mapping(node, path, func(key, value ast.Node, name string) {
		if i := slices.Index(names, name); i >= 0 {
			seen[name] = true
			d.value(value, values[i], child(path, name))
			return
		}
		at := foreignChild(path, name)
		if i := slices.IndexFunc(fields, func(f field) bool { return f.oldName != "" && f.oldName == name }); i >= 0 {
			d.add(position(key), at, "is now called %s", names[i])
			misspelt[names[i]] = true
			return
		}
		if problem, known := other(name); known {
			if problem != "" {
				d.add(position(key), at, "%s", problem)
			}
			return
		}
		if !keyPattern.MatchString(name) {
			d.add(position(key), at, "is not a key: keys have letters, digits and _, and a space after their colon; known here are %s", listed(names))
			return
		}
		d.add(position(key), at, "%s", unknownName("key", name, names))
		if meant, ok := nearest(name, names); ok {
			misspelt[meant] = true
		}
	})
	for i, f := range fields {
		switch {
		case seen[f.name] || !complete:
		case misspelt[f.name]:
			// It is there under a wrong name, which is reported.
			d.bad[child(path, f.name)] = true
		case f.required:
			d.report(child(path, f.name), "is missing: %s", f.doc)
		default:
			d.defaults(f, values[i])
		}
	}
}

// defaults sets an absent field, and the fields below an absent structure.
func (d *decoder) defaults(f field, v reflect.Value) {
	if f.defaultText != "" {
		if problem := setScalar(v, scalar{text: f.defaultText}); problem != "" {
			d.report(f.name, "has the unusable default %q: %s", f.defaultText, problem)
		}
		return
	}
	if v.Kind() == reflect.Struct && !isScalar(v.Type()) {
		for _, below := range fieldsOf(v.Type()) {
			d.defaults(below, v.FieldByIndex(below.index))
		}
	}
}

// dictionary decodes a mapping with free keys.
func (d *decoder) dictionary(node ast.Node, v reflect.Value, path string) {
	v.Set(reflect.MakeMap(v.Type()))
	d.mapping(node, path, func(key, value ast.Node, name string) {
		// A person looks for the name, and it is checked like a value.
		d.positions[child(path, name)] = position(key)
		element := reflect.New(v.Type().Elem()).Elem()
		d.value(value, element, child(path, name))
		v.SetMapIndex(reflect.ValueOf(name).Convert(v.Type().Key()), element)
	})
}

// list decodes a sequence.
func (d *decoder) list(node ast.Node, v reflect.Value, path string) {
	sequence, ok := node.(*ast.SequenceNode)
	if !ok {
		d.report(path, "must be a list, its items after dashes or in [ ], not %s", kindOf(node))
		return
	}
	v.Set(reflect.MakeSlice(v.Type(), len(sequence.Values), len(sequence.Values)))
	for i, item := range sequence.Values {
		if d.full() {
			return
		}
		d.value(item, v.Index(i), fmt.Sprintf("%s[%d]", path, i))
	}
}
