package config

import (
	"fmt"
	"slices"
	"strings"
)

// nearest returns the known name that was most probably meant by name.
func nearest(name string, known []string) (string, bool) {
	plain := simplify(name)
	best, bestDistance := "", 3
	for _, k := range known {
		if len(name) > 2*len(k)+bestDistance {
			continue // too long, whatever is in it
		}
		// A short name is close to many others, so the distance must be smaller.
		if d := distance(plain, simplify(k)); d < bestDistance && d <= len(k)/3 {
			best, bestDistance = k, d
		}
	}
	return best, best != ""
}

// unknownName is the problem with a name that is none of the known ones.
func unknownName(what, name string, known []string) string {
	shown := shorten(name, maxShown)
	if meant, ok := nearest(name, known); ok {
		return fmt.Sprintf("unknown %s %q: did you mean %q?", what, shown, meant)
	}
	if len(known) == 0 {
		return fmt.Sprintf("unknown %s %q: none is defined", what, shown)
	}
	return fmt.Sprintf("unknown %s %q: known here are %s", what, shown, listed(known))
}

// maxListed is how many known names a message lists.
const maxListed = 20

func listed(known []string) string {
	names := slices.Sorted(slices.Values(known))
	if more := len(names) - maxListed; more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:maxListed], ", "), more)
	}
	return strings.Join(names, ", ")
}

// simplify makes secretKey, secret-key and secret_key the same.
func simplify(name string) string {
	return strings.NewReplacer("_", "", "-", "").Replace(strings.ToLower(name))
}

// distance is Levenshtein's: how many bytes to insert, delete or replace.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replace := diagonal
			if a[i] != b[j] {
				replace++
			}
			diagonal = row[j+1]
			row[j+1] = min(replace, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
