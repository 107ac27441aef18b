package billing

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Edit is how a tariff differs from one by which calls were charged.
type Edit struct {
	// Used is the index of the version by which calls were charged.
	Used int
	// Settings means that currency, digits or rounding differ, which belong to the
	// tariff; otherwise it is the version.
	Settings bool
	// Change says what differs.
	Change string
}

// maxChanges is how many changes an Edit names.
const maxChanges = 3

// Edits compares a valid tariff with the versions of it by which calls were charged, in
// the order of their first use. Currency, digits and rounding must be those of one of
// them, and each version must charge as one of the same time did. Versions may be added,
// and the oldest ones may go once calls were charged by one that stays. The order of
// rules, and fields that only another release knows, are no difference.
func (t Tariff) Edits(used []AppliedTariff) []Edit {
	var edits []Edit
	var decoded []usedVersion
	for i, u := range used {
		v, err := decodeVersion(u.VersionJSON)
		if err != nil {
			edits = append(edits, Edit{Used: i, Change: "the text in the ledger cannot be read: " + err.Error()})
			continue
		}
		decoded = append(decoded, usedVersion{i, v})
	}
	if len(decoded) == 0 {
		return edits
	}
	configured := t.versions()
	if last := decoded[len(decoded)-1]; !slices.ContainsFunc(decoded, func(u usedVersion) bool { return len(u.settingsChanges(configured[0])) == 0 }) {
		edits = append(edits, Edit{Used: last.index, Settings: true, Change: strings.Join(last.settingsChanges(configured[0]), ", ")})
	}
	byTime := map[time.Time][]usedVersion{}
	for _, u := range decoded {
		byTime[u.EffectiveFrom] = append(byTime[u.EffectiveFrom], u)
	}
	oldest := configured[len(configured)-1]
	for _, from := range slices.SortedFunc(maps.Keys(byTime), time.Time.Compare) {
		same := byTime[from]
		last := same[len(same)-1]
		i := slices.IndexFunc(configured, func(v TariffVersion) bool { return v.EffectiveFrom.Equal(from) })
		switch {
		case i < 0 && from.Before(oldest.EffectiveFrom) && byTime[oldest.EffectiveFrom] != nil:
		case i < 0:
			edits = append(edits, Edit{Used: last.index, Change: "there is no version of that time any more"})
		case !slices.ContainsFunc(same, func(u usedVersion) bool { return len(u.changes(configured[i])) == 0 }):
			changes := last.changes(configured[i])
			if more := len(changes) - maxChanges; more > 0 {
				changes = append(changes[:maxChanges], fmt.Sprintf("and %d more changes", more))
			}
			edits = append(edits, Edit{Used: last.index, Change: strings.Join(changes, ", ")})
		}
	}
	return edits
}

// usedVersion is a version by which calls were charged, with its index.
type usedVersion struct {
	index int
	TariffVersion
}

// decodeVersion reads the JSON of a version as this release would write it.
func decodeVersion(text json.RawMessage) (TariffVersion, error) {
	var v TariffVersion
	if err := json.Unmarshal(text, &v); err != nil {
		return v, err
	}
	v.EffectiveFrom = v.EffectiveFrom.UTC()
	v.Rounding = cmp.Or(v.Rounding, RoundHalfUp)
	v.MaxDuration = cmp.Or(v.MaxDuration, defaultMaxDuration)
	v.Evidence = v.Evidence.canonical()
	for i, rule := range v.Rules {
		v.Rules[i] = rule.canonical()
	}
	return v, nil
}

// PlainEdition is a text of a version as this release would write it, with its rules in
// a fixed order: those that charge the same are equal, although their hashes differ.
func PlainEdition(text json.RawMessage) (string, error) {
	v, err := decodeVersion(text)
	if err != nil {
		return "", err
	}
	slices.SortFunc(v.Rules, func(a, b Rule) int { return strings.Compare(a.text(), b.text()) })
	plain, err := json.Marshal(v)
	return string(plain), err
}

// settingsChanges lists what belongs to the tariff and is different now.
func (v TariffVersion) settingsChanges(now TariffVersion) []string {
	var all []string
	for _, c := range []struct{ name, now, before string }{
		{"currency", now.Currency, v.Currency},
		{"digits", fmt.Sprint(now.Digits), fmt.Sprint(v.Digits)},
		{"rounding", string(now.Rounding), string(v.Rounding)},
	} {
		if c.now != c.before {
			all = append(all, c.name+" is "+c.now+", not "+c.before)
		}
	}
	return all
}

// changes lists what belongs to the version and is different now.
func (v TariffVersion) changes(now TariffVersion) []string {
	var all []string
	if now.MaxDuration != v.MaxDuration {
		all = append(all, fmt.Sprintf("max_duration is %s, not %s", now.MaxDuration, v.MaxDuration))
	}
	all = append(all, fieldChanges(v.Evidence, now.Evidence, "evidence.")...)
	before, after := rulesByText(v.Rules), rulesByText(now.Rules)
	var gone, added []int
	for i, rule := range now.Rules {
		if !before.take(rule) {
			added = append(added, i)
		}
	}
	for i, rule := range v.Rules {
		if !after.take(rule) {
			gone = append(gone, i)
		}
	}
	if len(gone) != len(added) {
		return append(all, fmt.Sprintf("there are %d rules, not %d", len(now.Rules), len(v.Rules)))
	}
	for i := range added {
		all = append(all, fieldChanges(v.Rules[gone[i]], now.Rules[added[i]], fmt.Sprintf("rules[%d].", added[i]))...)
	}
	return all
}

// rules counts rules by their JSON.
type rules map[string]int

func rulesByText(list []Rule) rules {
	counted := rules{}
	for _, rule := range list {
		counted[rule.text()]++
	}
	return counted
}

// take reports whether the rule is there, and removes it.
func (r rules) take(rule Rule) bool {
	text := rule.text()
	if r[text] == 0 {
		return false
	}
	r[text]--
	return true
}

// text is the JSON of the rule.
func (r Rule) text() string {
	text, _ := json.Marshal(r) // its fields have no way to fail
	return string(text)
}

// fieldsOf are the fields of a struct in its JSON; none of a nil pointer.
func fieldsOf(value any) map[string]json.RawMessage {
	var fields map[string]json.RawMessage
	text, _ := json.Marshal(value) // what is compared has no way to fail
	_ = json.Unmarshal(text, &fields)
	return fields
}

// fieldChanges lists the fields that are different now, by their names in the file.
func fieldChanges(then, now any, path string) []string {
	before, after := fieldsOf(then), fieldsOf(now)
	names := slices.Collect(maps.Keys(after))
	for name := range before {
		if _, known := after[name]; !known {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	shown := func(value json.RawMessage) string {
		if value == nil {
			return "left out"
		}
		return strings.Trim(string(value), `"`)
	}
	var all []string
	for _, name := range names {
		if !bytes.Equal(before[name], after[name]) {
			all = append(all, fmt.Sprintf("%s%s is %s, not %s", path, name, shown(after[name]), shown(before[name])))
		}
	}
	return all
}
