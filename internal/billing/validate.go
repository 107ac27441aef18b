package billing

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"aftercall/internal/tencent"

	"github.com/bojanz/currency"
)

const (
	// maxDigits are the most digits of a charge: a millionth of the currency's unit.
	maxDigits = 6
	// maxRateDigits is how many more digits than a charge a rate can have, because
	// it is multiplied before it is rounded.
	maxRateDigits = 6
	// maxInterval bounds intervals and free seconds: a day.
	maxInterval = 24 * 60 * 60

	defaultMaxDuration  = Duration(24 * time.Hour)
	smallestMaxDuration = Duration(time.Minute)
	largestMaxDuration  = Duration(30 * 24 * time.Hour)
)

// Problem is one thing that is wrong with a tariff.
type Problem struct {
	// Path is the YAML path within the tariff, as in versions[1].rules[0].cap;
	// empty when it is the tariff as a whole.
	Path string
	// Message is what is wrong and how to correct it.
	Message string
}

// String is path: message.
func (p Problem) String() string {
	if p.Path == "" {
		return p.Message
	}
	return p.Path + ": " + p.Message
}

// validator collects problems.
type validator struct {
	problems []Problem
	// digits are those of a charge. currency is for messages.
	digits   int
	currency string
	// unknownWord is set if a rule names an unknown word, so that its coverage is
	// unknown too.
	unknownWord bool
}

func (v *validator) report(path, format string, args ...any) {
	v.problems = append(v.problems, Problem{Path: path, Message: fmt.Sprintf(format, args...)})
}

// Validate returns every problem of the tariff, in the order of the file. A tariff
// without problems has exactly one rule for every kind of connected call.
func (t Tariff) Validate() []Problem {
	v := &validator{currency: t.Currency}
	v.charge(t)
	if len(t.Versions) == 0 {
		v.report("versions", "must hold at least one version with its effective_from and rules")
	}
	begins := make(map[time.Time]int, len(t.Versions))
	for i, version := range t.Versions {
		path := fmt.Sprintf("versions[%d]", i)
		v.effectiveFrom(path+".effective_from", i, version.EffectiveFrom, begins)
		if d := version.MaxDuration; d != 0 && (d < smallestMaxDuration || d > largestMaxDuration) {
			v.report(path+".max_duration", "must be from 1m to 720h, or left out for 24h")
		}
		v.evidence(path, version)
		if len(version.Rules) == 0 {
			v.report(path+".rules", "must hold at least one rule")
			continue
		}
		v.unknownWord = false
		for j, rule := range version.Rules {
			v.rule(fmt.Sprintf("%s.rules[%d]", path, j), rule)
		}
		if !v.unknownWord {
			v.coverage(path+".rules", version.Rules)
		}
	}
	return v.problems
}

// charge checks the currency, digits and rounding of a charge.
func (v *validator) charge(t Tariff) {
	digits, known := currency.GetDigits(t.Currency)
	switch {
	case t.Currency == "":
		v.report("currency", "is missing: write the ISO 4217 code of the currency, such as USD")
	case !known:
		v.report("currency", "%q is not a currency: write an ISO 4217 code, such as USD", shorten(t.Currency))
	}
	v.digits = int(digits)
	if t.Digits != nil {
		v.digits = *t.Digits
		if v.digits < 0 || v.digits > maxDigits {
			v.report("digits", "must be from 0 to %d, or left out for the currency's own", maxDigits)
			v.digits = maxDigits
		}
	} else if !known {
		v.digits = maxDigits
	}
	if t.Rounding != "" && !t.Rounding.Known() {
		v.report("rounding", "%q is not a rounding mode: write %s", shorten(string(t.Rounding)), list(roundings, "or"))
	}
}

// effectiveFrom notes in begins, by the time, which version begins then.
func (v *validator) effectiveFrom(path string, version int, from time.Time, begins map[time.Time]int) {
	if from.IsZero() {
		v.report(path, "is missing: write when the version begins, as in 2026-01-01T00:00:00Z")
		return
	}
	from = from.Round(0).UTC() // equal times are equal keys
	if earlier, known := begins[from]; known {
		v.report(path, "is the same time as in versions[%d]: only one version can begin then", earlier)
		return
	}
	begins[from] = version
}

// coverage reports combinations with more than one rule or without one: each pair
// of overlapping rules once, and the combinations without a rule together.
func (v *validator) coverage(path string, rules []Rule) {
	reported := map[[2]int]bool{}
	var gaps []string
	for _, c := range combinations {
		first := -1
		for i, rule := range rules {
			switch {
			case !rule.matches(c.media, c.callType, c.result):
			case first < 0:
				first = i
			case !reported[[2]int{first, i}]:
				reported[[2]int{first, i}] = true
				v.report(fmt.Sprintf("%s[%d]", path, i), "and rules[%d] are both for %s: narrow one of them", first, c)
			}
		}
		if first < 0 && slices.Contains(connectedResults, c.result) {
			gaps = append(gaps, c.String())
		}
	}
	if len(gaps) > 0 {
		shown := gaps[:min(3, len(gaps))]
		more := ""
		if n := len(gaps) - len(shown); n > 0 {
			more = fmt.Sprintf(" and %d more", n)
		}
		v.report(path, "no rule is for %s%s: add one, with action free or review if nothing is to be charged", strings.Join(shown, ", "), more)
	}
}

// combination is a kind of connected call, as rules distinguish them.
type combination struct {
	media    tencent.MediaType
	callType tencent.CallType
	result   tencent.CallResult
}

func (c combination) String() string {
	return string(c.media) + " " + string(c.callType) + " " + string(c.result)
}

var (
	mediaTypes = []tencent.MediaType{tencent.MediaAudio, tencent.MediaVideo}
	callTypes  = []tencent.CallType{tencent.CallTypeSingle, tencent.CallTypeMulti}
	// connectedResults are those of calls that were connected.
	connectedResults = []tencent.CallResult{tencent.ResultNormalEnd, tencent.ResultInterrupt, tencent.ResultOffline}
	// unconnectedResults contradict an AcceptTime. A rule matches a call that has
	// both only if it names the result.
	unconnectedResults = []tencent.CallResult{tencent.ResultCancel, tencent.ResultReject, tencent.ResultNotAnswer, tencent.ResultCallBusy}
	combinations       = allCombinations()
)

func allCombinations() []combination {
	var all []combination
	for _, m := range mediaTypes {
		for _, t := range callTypes {
			for _, r := range slices.Concat(connectedResults, unconnectedResults) {
				all = append(all, combination{m, t, r})
			}
		}
	}
	return all
}

// matches reports whether the rule is for such a connected call.
func (r *Rule) matches(media tencent.MediaType, callType tencent.CallType, result tencent.CallResult) bool {
	results := r.Results
	if len(results) == 0 {
		results = connectedResults
	}
	return (len(r.Media) == 0 || slices.Contains(r.Media, media)) &&
		(len(r.CallTypes) == 0 || slices.Contains(r.CallTypes, callType)) &&
		slices.Contains(results, result)
}

// list joins words, as in "a, b or c".
func list[T ~string](words []T, conjunction string) string {
	texts := make([]string, len(words))
	for i, w := range words {
		texts[i] = string(w)
	}
	last := len(texts) - 1
	if last <= 0 {
		return strings.Join(texts, "")
	}
	return strings.Join(texts[:last], ", ") + " " + conjunction + " " + texts[last]
}

// shorten cuts a long value in a message.
func shorten(s string) string {
	if runes := []rune(s); len(runes) > 40 {
		return string(runes[:40]) + "…"
	}
	return s
}
