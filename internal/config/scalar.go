package config

import (
	"encoding"
	"fmt"
	"math"
	"net"
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

var (
	textUnmarshaler = reflect.TypeFor[encoding.TextUnmarshaler]()
	durationType    = reflect.TypeFor[time.Duration]()
	timeType        = reflect.TypeFor[time.Time]()
)

// scalar is the text of one YAML scalar and how it was written.
type scalar struct {
	text string
	// number, boolean and quoted say how the file has it. A text that a variable
	// filled in is none of them and may become anything.
	number, boolean, quoted bool
}

// field is a key of a mapping, read from the tags of a struct field.
type field struct {
	name, defaultText, doc string
	// oldName is what the key was called before, from the tag was.
	oldName  string
	required bool
	index    []int
}

// fieldsOf lists the keys that a mapping for struct type t may hold, in the
// order of the struct.
func fieldsOf(t reflect.Type) []field {
	var fields []field
	for _, f := range reflect.VisibleFields(t) {
		name, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		if !f.IsExported() || f.Anonymous || name == "" || name == "-" {
			continue
		}
		fields = append(fields, field{
			name: name, oldName: f.Tag.Get("was"), index: f.Index,
			defaultText: f.Tag.Get("default"), doc: f.Tag.Get("doc"), required: f.Tag.Get("required") == "true",
		})
	}
	return fields
}

// isScalar reports whether values of type t are written as one YAML scalar.
func isScalar(t reflect.Type) bool {
	if reflect.PointerTo(t).Implements(textUnmarshaler) {
		return true
	}
	switch t.Kind() {
	case reflect.String, reflect.Bool, reflect.Float64,
		reflect.Int, reflect.Int32, reflect.Int64, reflect.Uint, reflect.Uint32, reflect.Uint64:
		return true
	default:
		return false
	}
}

// scalar decodes a scalar node after filling in its variables.
func (d *decoder) scalar(node ast.Node, v reflect.Value, path string) {
	raw, ok := scalarOf(node)
	if !ok {
		d.report(path, "must be a single value, not %s", kindOf(node))
		return
	}
	filled, err := substitute(raw.text, d.lookup)
	if err != nil {
		d.report(path, "%s", strings.ReplaceAll(err.Error(), "\n", "; "))
		return
	}
	if len(filled.variables) > 0 {
		for _, name := range filled.variables {
			d.variables[name] = true
		}
		d.sources[path] = strings.TrimSpace(raw.text)
		d.values[filled.text] = d.sources[path]
		if host := hostOf(filled.text); host != "" {
			d.values[host] = d.sources[path] // messages name it alone
		}
		raw = scalar{text: filled.text}
	} else {
		raw.text = filled.text
	}
	problem := setScalar(v, raw)
	if problem != "" && len(filled.variables) > 0 && reflect.PointerTo(v.Type()).Implements(textUnmarshaler) && v.Type() != timeType {
		// Other packages' errors may repeat the text, which may be a secret.
		problem = d.shown(path, "") + " is not what this key can hold"
	}
	if problem != "" {
		d.report(path, "%s", problem)
	}
}

// hostOf returns the host of a URL or of host:port, or nothing.
func hostOf(text string) string {
	if parsed, err := url.Parse(text); err == nil && parsed.Host != "" {
		return parsed.Hostname()
	}
	host, _, err := net.SplitHostPort(text)
	if err != nil {
		return ""
	}
	return host
}

// scalarOf reads a scalar as the file spells it, so that 0.10 keeps its digits.
func scalarOf(node ast.Node) (scalar, bool) {
	switch n := node.(type) {
	case *ast.StringNode:
		quoted := n.Token.Type == token.SingleQuoteType || n.Token.Type == token.DoubleQuoteType
		return scalar{text: n.Value, quoted: quoted}, true
	case *ast.LiteralNode:
		return scalar{text: n.Value.Value, quoted: true}, true
	case *ast.IntegerNode, *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		return scalar{text: node.GetToken().Value, number: true}, true
	case *ast.BoolNode:
		return scalar{text: node.GetToken().Value, boolean: true}, true
	default:
		return scalar{}, false
	}
}

// setScalar parses s into v and returns what is wrong. The words do not repeat
// the text, except where an UnmarshalText of another package does.
func setScalar(v reflect.Value, s scalar) string {
	switch {
	case v.Type() == durationType:
		return setDuration(v, s.text)
	case v.Type() == timeType:
		return setTime(v, s.text)
	}
	if u, ok := v.Addr().Interface().(encoding.TextUnmarshaler); ok {
		if err := u.UnmarshalText([]byte(s.text)); err != nil {
			return err.Error()
		}
		return ""
	}
	switch v.Kind() {
	case reflect.String:
		if s.number || s.boolean {
			return "must be text: put it in quotes"
		}
		v.SetString(s.text)
		return ""
	case reflect.Bool:
		b, err := strconv.ParseBool(s.text)
		if err != nil || s.quoted || s.number {
			return "must be true or false, without quotes"
		}
		v.SetBool(b)
		return ""
	default:
		return setNumber(v, s)
	}
}

func setNumber(v reflect.Value, s scalar) string {
	if s.quoted || s.boolean {
		return "must be a number, without quotes"
	}
	bits := v.Type().Bits()
	switch {
	case v.CanUint():
		n, err := strconv.ParseUint(s.text, 10, bits)
		if err != nil {
			return fmt.Sprintf("must be a whole number from 0 to %d, in digits only", uint64(math.MaxUint64)>>(64-bits))
		}
		v.SetUint(n)
	case v.CanInt():
		n, err := strconv.ParseInt(s.text, 10, bits)
		if err != nil {
			return fmt.Sprintf("must be a whole number up to %d, in digits only", int64(math.MaxInt64)>>(64-bits))
		}
		v.SetInt(n)
	default:
		n, err := strconv.ParseFloat(s.text, bits)
		if err != nil || math.IsInf(n, 0) || math.IsNaN(n) {
			return "must be a number"
		}
		v.SetFloat(n)
	}
	return ""
}

func setDuration(v reflect.Value, text string) string {
	duration, err := time.ParseDuration(text)
	if err != nil {
		return "must be a duration with its unit, as in 90s, 30m or 1h30m"
	}
	v.SetInt(int64(duration))
	return ""
}

// setTime reads a time, or a day, which begins at midnight UTC.
func setTime(v reflect.Value, text string) string {
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil {
			v.Set(reflect.ValueOf(t))
			return ""
		}
	}
	return "must be a time with its zone, as in 2026-01-31T00:00:00+08:00, or a day in UTC, as in 2026-01-31"
}
