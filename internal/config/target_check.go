package config

import (
	"fmt"
	"slices"
	"strings"

	"aftercall/internal/notify"
	"aftercall/internal/tencent"
)

func (v validator) target(path string, target Target) {
	v.name(path+".name", target.Name)
	v.choices(path+".events", "event", texts(target.Events), texts(notify.EventTypes))
	v.choices(path+".results", "result", texts(target.Results), texts(tencent.CallResults))
	v.choices(path+".media", "media type", texts(target.Media), texts(tencent.MediaTypes))
	v.appNames(path+".apps", target.Apps)
	v.retries(path, target.RetryWindow, target.BreakerCooldown)
	channel, ok := target.Type.Channel()
	if !ok {
		v.choice(path+".type", "type", string(target.Type), texts(notify.Types()))
		return
	}
	for i, event := range target.Events {
		if channel.Events != nil && !slices.Contains(channel.Events, event) {
			v.report(fmt.Sprintf("%s.events[%d]", path, i), "a target of type %s can be sent only %s", channel.Type, strings.Join(texts(channel.Events), ", "))
		}
	}
	if target.Options == nil {
		return
	}
	_, problems := v.config.Sender(target, nil, nil)
	for _, p := range problems {
		v.report(child(path, p.Key), "%s", p.Message)
	}
}

// names are names that can be looked up.
type names struct {
	list []string
	set  map[string]bool
}

func newNames(list []string) *names {
	n := &names{list: list, set: make(map[string]bool, len(list))}
	for _, name := range list {
		n.set[name] = true
	}
	return n
}

// appNamesKnown are the names of the apps, or nil if one has a problem: a target
// that refers to it would be a second one.
func (v validator) appNamesKnown() *names {
	var list []string
	complete := !v.bad["apps"]
	for i, app := range v.config.Apps {
		at := fmt.Sprintf("apps[%d]", i)
		complete = complete && !v.bad[at] && !v.bad[at+".name"] && namePattern.MatchString(app.Name)
		list = append(list, app.Name)
	}
	if !complete {
		return nil
	}
	return newNames(list)
}

// appNames checks the names by which a target refers to apps.
func (v validator) appNames(path string, values []string) {
	if v.known != nil {
		v.choicesOf(path, "app", values, v.known)
	}
}

// choices checks a list whose items must be known and differ.
func (v validator) choices(path, what string, values, known []string) {
	v.choicesOf(path, what, values, newNames(known))
}

func (v validator) choicesOf(path, what string, values []string, known *names) {
	if _, present := v.positions[path]; present && len(values) == 0 {
		v.report(path, "is empty: leave it out for all")
	}
	seen := make(map[string]bool, len(values))
	for i, value := range values {
		at := fmt.Sprintf("%s[%d]", path, i)
		if seen[value] {
			v.report(at, "names the %s %s twice: remove one", what, v.shown(at, value))
		}
		seen[value] = true
		if !known.set[value] && !v.full() {
			v.reference(at, what, value, known.list)
		}
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
