package config

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/bojanz/currency"

	"aftercall/internal/notify"
	"aftercall/internal/tencent"
)

func (v validator) target(path string, target Target) {
	v.name(path+".name", target.Name)
	v.choices(path+".events", "event", texts(target.Events), texts(notify.EventTypes))
	v.choices(path+".results", "result", texts(target.Results), texts(tencent.CallResults))
	v.choices(path+".media", "media type", texts(target.Media), texts(tencent.MediaTypes))
	v.appNames(path+".apps", target.Apps)
	v.patience(path, target.Horizon, target.Pause)
	if !slices.Contains(notify.Types, target.Type) {
		v.choice(path+".type", "type", string(target.Type), texts(notify.Types))
		return
	}
	v.targetKeys(path, target.Type)
	v.targetEvents(path, target)
	if target.Stripe.Value == notify.StripeAmount {
		v.oneCurrency(path, target)
	}
	_, problems := notify.New(target.Options(nil))
	for _, p := range problems {
		v.report(child(path, p.Key), "%s", p.Message)
	}
}

// targetKeys complains about keys that targets of the type need and do not have,
// or have and do not understand.
func (v validator) targetKeys(path string, kind notify.Type) {
	required, optional := kind.Keys()
	own := slices.Concat(required, optional)
	var others []string
	for _, other := range notify.Types {
		required, optional := other.Keys()
		others = append(others, slices.Concat(required, optional)...)
	}
	for _, f := range fieldsOf(reflect.TypeFor[Target]()) {
		at := child(path, f.name)
		_, present := v.positions[at]
		switch {
		case !present && slices.Contains(required, f.name):
			v.report(at, "is missing: %s", f.doc)
		case present && slices.Contains(others, f.name) && !slices.Contains(own, f.name):
			v.report(at, "is not for targets of type %s, which have %s: remove it or choose another type", kind, strings.Join(slices.Sorted(slices.Values(own)), ", "))
		}
	}
}

func (v validator) targetEvents(path string, target Target) {
	known := target.Type.Events()
	for i, event := range target.Events {
		if known != nil && !slices.Contains(known, event) {
			v.report(fmt.Sprintf("%s.events[%d]", path, i), "a target of type %s can be sent %s only", target.Type, strings.Join(texts(known), " and "))
		}
	}
}

// oneCurrency sees to it that what a meter adds up is of one kind: amounts in
// the smallest unit of one currency.
func (v validator) oneCurrency(path string, target Target) {
	at := path + ".stripe.value"
	currencies := map[string]bool{}
	for _, app := range v.config.Apps {
		if len(target.Apps) > 0 && !slices.Contains(target.Apps, app.Name) {
			continue
		}
		tariff := v.config.Tariffs[app.Tariff]
		currencies[tariff.Currency] = true
		if digits, ok := currency.GetDigits(tariff.Currency); ok && tariff.Digits != nil && *tariff.Digits > int(digits) {
			v.report(at, "amount counts whole units of %s, of which the tariff of the app %s charges fractions: choose billed_seconds, or leave digits out of the tariff", tariff.Currency, app.Name)
		}
	}
	if len(currencies) > 1 {
		v.report(at, "amount cannot add up %s: make a target of each currency, with the apps of each", strings.Join(slices.Sorted(maps.Keys(currencies)), " and "))
	}
}

// appNames checks the names by which a target refers to apps. An app whose name
// is not known would only make a second problem of one.
func (v validator) appNames(path string, names []string) {
	var known []string
	complete := !v.bad["apps"]
	for i, app := range v.config.Apps {
		at := fmt.Sprintf("apps[%d]", i)
		complete = complete && !v.bad[at] && !v.bad[at+".name"]
		known = append(known, app.Name)
	}
	if complete {
		v.choices(path, "app", names, known)
	}
}

// choices checks a list whose items must be known and differ.
func (v validator) choices(path, what string, values, known []string) {
	if _, present := v.positions[path]; present && len(values) == 0 {
		v.report(path, "is empty: leave it out for all")
	}
	for i, value := range values {
		at := fmt.Sprintf("%s[%d]", path, i)
		if slices.Contains(values[:i], value) {
			v.report(at, "names the %s %s twice: remove one", what, v.shown(at, value))
		}
		v.choice(at, what, value, known)
	}
}

// choice checks a value that must be one of known.
func (v validator) choice(path, what, value string, known []string) {
	if !slices.Contains(known, value) {
		v.reference(path, what, value, known)
	}
}

func texts[T ~string](values []T) []string {
	all := make([]string, len(values))
	for i, value := range values {
		all[i] = string(value)
	}
	return all
}
