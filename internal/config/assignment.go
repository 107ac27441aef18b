package config

import (
	"fmt"
	"maps"
	"reflect"
	"slices"

	"github.com/goccy/go-yaml/ast"

	"aftercall/internal/billing"
)

var assignmentsType = reflect.TypeFor[billing.Assignments]()

// listOrText decodes a list, or a text that stands for a list of one item whose field it
// is. want says what is accepted.
func (d *decoder) listOrText(node ast.Node, v reflect.Value, path, field, want string) {
	if _, isList := node.(*ast.SequenceNode); isList {
		d.list(node, v, path)
		return
	}
	if _, isScalar := scalarOf(node); !isScalar {
		d.report(path, "must be %s, not %s", want, kindOf(node))
		return
	}
	one := reflect.MakeSlice(v.Type(), 1, 1)
	d.scalar(node, one.Index(0).FieldByName(field), path)
	v.Set(one)
}

// assignments checks the names and times of the tariff of an app.
func (v validator) assignments(path string, assigned billing.Assignments) {
	_, listed := v.positions[path+"[0]"]
	timesKnown := true
	for i, a := range assigned {
		at := path
		if listed {
			at = fmt.Sprintf("%s[%d].name", path, i)
			timesKnown = timesKnown && !v.bad[parent(at)] && !v.bad[parent(at)+".effective_from"]
		}
		if _, known := v.config.Tariffs[a.Name]; !known && !v.bad["tariffs"] && !v.full() {
			v.reference(at, "tariff", a.Name, slices.Collect(maps.Keys(v.config.Tariffs)))
		}
	}
	if !timesKnown {
		return
	}
	for _, problem := range assigned.Validate() {
		v.report(join(path, problem.Path), "%s", problem.Message)
	}
}
