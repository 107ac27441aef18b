package billing

import (
	"slices"

	"aftercall/internal/attendance"
)

// evidence checks how a version finds the time of members.
func (v *validator) evidence(path string, version Version) {
	i := slices.IndexFunc(version.Rules, func(r Rule) bool { return r.byMinutes() })
	e := version.Evidence
	path += ".evidence"
	switch {
	case i < 0 && e != nil:
		v.report(path, "has no effect, because no rule has per: participant_minute: remove it")
		return
	case i < 0:
		return
	case e == nil:
		v.report(path, "is missing, because rules[%d] has per: participant_minute: write use (%s) and without (%s)",
			i, list(attendance.Uses, "or"), list(withouts, "or"))
		return
	}
	word(v, path+".use", "which time of a member counts where there is a disagreement", e.Use, attendance.Uses)
	word(v, path+".without", "what becomes of a call of which nothing was seen", e.Without, withouts)
	if d := e.Tolerance; d != 0 && (d < smallestTolerance || d > largestTolerance) {
		v.report(path+".tolerance", "must be from 1s to 10m, or left out for 5s")
	}
	if e.Sources < 0 || e.Sources > mostSources {
		v.report(path+".sources", "must be 1 or 2, or left out for 1")
	}
}

// word checks a word that is required.
func word[T ~string](v *validator, path, meaning string, given T, known []T) {
	switch {
	case given == "":
		v.report(path, "is missing: write %s: %s", meaning, list(known, "or"))
	case !slices.Contains(known, given):
		v.report(path, "%q is not known: write %s", shorten(string(given)), list(known, "or"))
	}
}
