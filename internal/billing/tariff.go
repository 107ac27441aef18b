package billing

import (
	"errors"
	"time"

	"aftercall/internal/tencent"
)

// Tariff is the price rules of an app. Its versions follow each other in time; the
// version in force when a call ended is the one that applies to it.
type Tariff struct {
	Currency string    `yaml:"currency" json:"currency" required:"true" doc:"ISO 4217 code of the currency, such as USD."`
	Digits   *int      `yaml:"digits" json:"digits,omitempty" doc:"Digits after the point to which a charge is rounded, 0 to 6; left out, those of the currency (JPY 0, USD 2, KWD 3)."`
	Rounding Rounding  `yaml:"rounding" json:"rounding,omitempty" default:"half_up" doc:"How a charge is rounded, once, at the end: half_up, half_even, half_down, up (away from zero) or down (towards zero)."`
	Versions []Version `yaml:"versions" json:"versions" required:"true" doc:"The prices over time, at least one version. A version that is in force is not edited: add a new one."`
}

// Version is what a tariff charges from a given time on, until the next version
// begins.
type Version struct {
	EffectiveFrom time.Time `yaml:"effective_from" json:"effective_from" required:"true" doc:"When the version begins to apply, by the EndTime of calls, as in 2026-01-01T00:00:00+08:00."`
	MaxDuration   Duration  `yaml:"max_duration" json:"max_duration,omitempty" default:"24h" doc:"A longer call is not charged but reviewed by a person, 1m to 720h."`
	Rules         []Rule    `yaml:"rules" json:"rules" required:"true" doc:"What connected calls cost. Exactly one rule applies to every combination of media, call type and result."`
	Evidence      *Evidence `yaml:"evidence" json:"evidence,omitempty" doc:"How the time of each member is found. Goes with per: participant_minute, which requires it."`
}

// Rule is the price of the connected calls that it matches. Calls that were
// never connected cost nothing by any tariff and need no rule.
type Rule struct {
	Media     []tencent.MediaType  `yaml:"media" json:"media,omitempty" doc:"Media types that the rule is for: Audio, Video; left out, both."`
	CallTypes []tencent.CallType   `yaml:"call_types" json:"call_types,omitempty" doc:"Call types that the rule is for: SingleCall, MultiCall; left out, both."`
	Results   []tencent.CallResult `yaml:"results" json:"results,omitempty" doc:"Call results that the rule is for; left out, those of connected calls: NormalEnd, Interrupt, Offline."`
	Action    Action               `yaml:"action" json:"action,omitempty" default:"charge" doc:"charge, free, or review (a person decides)."`

	RatePerMinute Decimal `yaml:"rate_per_minute" json:"rate_per_minute" doc:"Price of a minute, charged by the billed second."`
	FirstInterval int64   `yaml:"first_interval" json:"first_interval,omitempty" doc:"Seconds that are billed at least, 1 to 86400."`
	NextInterval  int64   `yaml:"next_interval" json:"next_interval,omitempty" doc:"Seconds to whose multiple the time after the first interval is billed, 1 to 86400."`
	ConnectionFee Decimal `yaml:"connection_fee" json:"connection_fee" doc:"Charged once for a call that costs anything."`
	MinimumCharge Decimal `yaml:"minimum_charge" json:"minimum_charge" doc:"Least that a call costs unless it is free."`
	// Cap is nil when there is none.
	Cap          *Decimal `yaml:"cap" json:"cap,omitempty" doc:"Most that a call costs; left out, there is no limit."`
	FreeSeconds  int64    `yaml:"free_seconds" json:"free_seconds,omitempty" doc:"A call of at most this many seconds costs nothing; a longer one is charged from its first second."`
	GraceSeconds int64    `yaml:"grace_seconds" json:"grace_seconds,omitempty" doc:"Seconds subtracted from the connected time of Interrupt and Offline calls, which can include dead air."`
	Per          Per      `yaml:"per" json:"per,omitempty" default:"call" doc:"call; participant: the whole price once for each member other than the caller; or participant_minute: the time of each member, the caller too, as evidence says."`
}

// Action is what a rule does with a call.
type Action string

// The actions of a rule.
const (
	ActionCharge Action = "charge"
	ActionFree   Action = "free"
	// ActionReview leaves the call to a person.
	ActionReview Action = "review"
)

// Per is what the price of a rule is for.
type Per string

// The units of a price.
const (
	PerCall Per = "call"
	// PerParticipant multiplies the price by the members other than the caller.
	PerParticipant Per = "participant"
	// PerParticipantMinute charges the time of each member, which was seen while the
	// call lasted.
	PerParticipantMinute Per = "participant_minute"
)

var pers = []Per{PerCall, PerParticipant, PerParticipantMinute}

// Duration is a time.Duration that is encoded as text in YAML and JSON, as in 6h
// or 90m.
type Duration time.Duration

// String is the duration as time.Duration writes it.
func (d Duration) String() string { return time.Duration(d).String() }

// MarshalText is String.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText is time.ParseDuration.
func (d *Duration) UnmarshalText(text []byte) error {
	parsed, err := time.ParseDuration(string(text))
	if err != nil {
		return errors.New("must be a duration with its unit, as in 90s, 30m or 6h")
	}
	*d = Duration(parsed)
	return nil
}
