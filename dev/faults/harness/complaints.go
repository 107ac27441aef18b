package main

import (
	"encoding/json"
	"fmt"
	"maps"
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

// complaints are the warnings and errors of starters and workers since their logs were
// as before: they show what a fault did.
func (w *world) complaints(before map[string]string) ([]string, error) {
	now, err := w.logs()
	if err != nil {
		return nil, err
	}
	times := map[string]int{}
	for part, text := range now {
		for line := range strings.Lines(text[len(before[part]):]) {
			var entry struct{ Level, Msg, Error string }
			if json.Unmarshal([]byte(line), &entry) == nil && (entry.Level == "WARN" || entry.Level == "ERROR") {
				times[fmt.Sprintf("%s: %s: %.160s", part, entry.Msg, entry.Error)]++
			}
		}
	}
	var all []string
	for _, text := range slices.Sorted(maps.Keys(times)) {
		all = append(all, fmt.Sprintf("%d × %s", times[text], strings.TrimSuffix(text, ": ")))
	}
	return all, nil
}
