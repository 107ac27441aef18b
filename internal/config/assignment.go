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

// assignments decodes the tariff of an app: a name, or a list.
func (d *decoder) assignments(node ast.Node, v reflect.Value, path string) {
	if _, isList := node.(*ast.SequenceNode); isList {
		d.list(node, v, path)
		return
	}
	if _, isScalar := scalarOf(node); !isScalar {
		d.report(path, "must be the name of a tariff, or a list of tariffs with name and effective_from, not %s", kindOf(node))
		return
	}
	var one billing.Assignment
	d.scalar(node, reflect.ValueOf(&one.Name).Elem(), path)
	v.Set(reflect.ValueOf(billing.Assignments{one}))
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
