package billing

import (
	"fmt"
	"slices"

	"aftercall/internal/tencent"
)

// rule checks one rule without the others.
func (v *validator) rule(path string, r Rule) {
	words(v, path+".media", r.Media, mediaTypes)
	words(v, path+".call_types", r.CallTypes, callTypes)
	words(v, path+".results", r.Results, slices.Concat(connectedResults, unconnectedResults))
	if r.Per != "" && !slices.Contains(pers, r.Per) {
		v.report(path+".per", "%q is not a unit: write %s", shorten(string(r.Per)), list(pers, "or"))
	}
	switch r.Action {
	case "", ActionCharge:
		v.price(path, r)
	case ActionFree, ActionReview:
		v.noPrice(path, r)
	default:
		v.report(path+".action", "%q is not an action: write charge, free or review", shorten(string(r.Action)))
	}
}

// price checks the numbers of a rule that charges.
func (v *validator) price(path string, r Rule) {
	v.money(path+".rate_per_minute", r.RatePerMinute, v.digits+maxRateDigits)
	v.interval(path+".first_interval", r.FirstInterval)
	v.interval(path+".next_interval", r.NextInterval)
	v.money(path+".connection_fee", r.ConnectionFee, v.digits)
	v.money(path+".minimum_charge", r.MinimumCharge, v.digits)
	if r.Cap != nil {
		v.money(path+".cap", *r.Cap, v.digits)
		switch {
		case r.Cap.Sign() == 0:
			v.report(path+".cap", "is 0, which makes every call free: write action: free, or leave the cap out")
		case r.Cap.Cmp(r.MinimumCharge) < 0:
			v.report(path+".cap", "is less than minimum_charge: a call cannot cost at least %s and at most %s", r.MinimumCharge, r.Cap)
		case r.Cap.Cmp(r.ConnectionFee) < 0:
			v.report(path+".cap", "is less than connection_fee: a call cannot cost %s to connect and at most %s", r.ConnectionFee, r.Cap)
		}
	}
	if r.RatePerMinute.Sign() == 0 && r.ConnectionFee.Sign() == 0 && r.MinimumCharge.Sign() == 0 {
		v.report(path+".rate_per_minute", "is missing: write the price of a minute, or action: free")
	}
	v.seconds(path+".free_seconds", r.FreeSeconds)
	v.seconds(path+".grace_seconds", r.GraceSeconds)
	if r.GraceSeconds > 0 && (len(r.Results) == 0 || slices.ContainsFunc(r.Results, withoutDeadAir)) {
		v.report(path+".grace_seconds", "takes off dead air, which only Interrupt and Offline can have: "+
			"put them into a rule of their own with results: [Interrupt, Offline]")
	}
}

func withoutDeadAir(r tencent.CallResult) bool {
	return r != tencent.ResultInterrupt && r != tencent.ResultOffline
}

// noPrice reports prices in a rule that would ignore them.
func (v *validator) noPrice(path string, r Rule) {
	for _, field := range []struct {
		name string
		set  bool
	}{
		{"rate_per_minute", r.RatePerMinute.Sign() != 0},
		{"first_interval", r.FirstInterval != 0},
		{"next_interval", r.NextInterval != 0},
		{"connection_fee", r.ConnectionFee.Sign() != 0},
		{"minimum_charge", r.MinimumCharge.Sign() != 0},
		{"cap", r.Cap != nil},
		{"free_seconds", r.FreeSeconds != 0},
		{"grace_seconds", r.GraceSeconds != 0},
	} {
		if field.set {
			v.report(path+"."+field.name, "has no effect with action: %s: remove it, or write action: charge", r.Action)
		}
	}
}

// money checks a price, which can have at most the given digits after the point.
func (v *validator) money(path string, d Decimal, digits int) {
	switch {
	case d.Sign() < 0:
		v.report(path, "is negative: a price is 0 or more")
	case d.fractionDigits() > digits:
		v.report(path, "has %d digits after the point: at most %d here, because charges in %s are rounded to %d",
			d.fractionDigits(), digits, shorten(v.currency), v.digits)
	}
}

func (v *validator) interval(path string, seconds int64) {
	switch {
	case seconds == 0:
		v.report(path, "is missing: write how many seconds are billed at a time, such as 60 or 1")
	case seconds < 0 || seconds > maxInterval:
		v.report(path, "must be from 1 to %d seconds", maxInterval)
	}
}

func (v *validator) seconds(path string, seconds int64) {
	if seconds < 0 || seconds > maxInterval {
		v.report(path, "must be from 0 to %d seconds", maxInterval)
	}
}

// words checks a list of words that Tencent uses.
func words[T ~string](v *validator, path string, given, known []T) {
	for i, w := range given {
		at := fmt.Sprintf("%s[%d]", path, i)
		switch {
		case !slices.Contains(known, w):
			v.unknownWord = true
			v.report(at, "%q is not known: write %s", shorten(string(w)), list(known, "or"))
		case slices.Contains(given[:i], w):
			v.report(at, "%s is listed twice: remove one", w)
		}
	}
}
