package config

import (
	"fmt"
	"reflect"

	"github.com/goccy/go-yaml/ast"

	"aftercall/internal/billing"
)

var payersType = reflect.TypeFor[billing.Payers]()

// payers decodes who pays for the calls of an app: a word or template, or a list of rules.
func (d *decoder) payers(node ast.Node, v reflect.Value, path string) {
	if _, isList := node.(*ast.SequenceNode); isList {
		d.list(node, v, path)
		return
	}
	if _, isScalar := scalarOf(node); !isScalar {
		d.report(path, "must be caller, first_callee, room_owner or a template, or a list of rules with callers and is, not %s", kindOf(node))
		return
	}
	var one billing.PayerRule
	d.scalar(node, reflect.ValueOf(&one.Is).Elem(), path)
	v.Set(reflect.ValueOf(billing.Payers{one}))
}

// payers checks who pays for the calls of an app.
func (v validator) payers(app string, a App) {
	path := app + ".payer"
	_, listed := v.positions[path+"[0]"]
	at := func(relative string) string {
		if len(a.Payer) > 0 && !listed { // written as one text
			return path
		}
		return join(path, relative)
	}
	for _, problem := range a.Payer.Validate() {
		where := at(problem.Path)
		if _, fromVariable := v.sources[where]; fromVariable { // the message may quote it
			v.report(where, "%s does not say who pays: write caller, first_callee, room_owner or a template, as in {{ .RoomID }}", v.shown(where, ""))
			continue
		}
		v.report(where, "%s", problem.Message)
	}
	if len(a.Evidence.AllRoomKeys()) > 0 || v.bad[app+".evidence"] {
		return
	}
	for i, rule := range a.Payer {
		if (billing.Payers{rule}).NeedsRoom() {
			v.report(at(fmt.Sprintf("[%d].is", i)),
				"asks who opened the room, which only the webhooks of rooms say: set evidence.room_key, or write another payer")
		}
	}
}
