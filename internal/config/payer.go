package config

import (
	"fmt"
	"reflect"

	"aftercall/internal/billing"
)

var payersType = reflect.TypeFor[billing.Payers]()

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
