package ops

import (
	"io"
	"slices"

	"aftercall/internal/ledger"
	"aftercall/internal/timeline"
)

// DrawIntervals draws, as SVG, who was in a call and when, by its last charge by
// participant minutes.
func DrawIntervals(out io.Writer, entries []ExplainedEntry) error {
	for _, e := range entries {
		if e.SDKAppID != entries[0].SDKAppID {
			return Errorf(Usage, "", "two apps have a call with this CallId: name one with --app")
		}
	}
	for _, e := range slices.Backward(entries) {
		if e.Kind == ledger.KindCharge && len(e.MemberSeconds) > 0 {
			return timeline.WriteSVG(out, e.stored)
		}
	}
	return Errorf(NotFound, "docs/billing.md says how to charge so", "%w", timeline.ErrNoIntervals)
}
