package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"aftercall/dev/local"
)

// logs are the logs of starters and workers so far.
func (w *world) logs() (map[string]string, error) {
	all := map[string]string{}
	for _, part := range slices.Concat(local.Numbered("starter", w.topology.Starters), local.Numbered("worker", w.topology.Workers)) {
		text, err := w.log(part)
		if err != nil {
			return nil, err
		}
		all[part] = text
	}
	return all, nil
}

// complaints are warnings and errors of starters and workers, and how often each was
// logged.
type complaints map[string]int

// complaints are those since the logs were as before: they show what a fault did.
func (w *world) complaints(before map[string]string) (complaints, error) {
	now, err := w.logs()
	if err != nil {
		return nil, err
	}
	times := complaints{}
	for part, text := range now {
		for line := range strings.Lines(text[len(before[part]):]) {
			var entry struct{ Level, Msg, Error string }
			if json.Unmarshal([]byte(line), &entry) == nil && (entry.Level == "WARN" || entry.Level == "ERROR") {
				times[strings.TrimSuffix(part+": "+entry.Msg+": "+entry.Error, ": ")]++
			}
		}
	}
	return times, nil
}

// about is one of the complaints that match a pattern, empty if none does.
func (c complaints) about(pattern *regexp.Regexp) string {
	for _, text := range slices.Sorted(maps.Keys(c)) {
		if pattern.MatchString(text) {
			return fmt.Sprintf("%.200s", text)
		}
	}
	return ""
}

// String are all complaints in one line.
func (c complaints) String() string {
	var all []string
	for _, text := range slices.Sorted(maps.Keys(c)) {
		all = append(all, fmt.Sprintf("%d × %.200s", c[text], text))
	}
	return strings.Join(all, "; ")
}
