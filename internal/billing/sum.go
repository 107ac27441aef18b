package billing

import (
	"errors"
	"fmt"
	"strconv"

	"aftercall/internal/tencent"
)

// billedSeconds rounds a duration up to whole intervals. Without a positive
// duration nothing is billed. All are in seconds.
func billedSeconds(duration, first, next int64) int64 {
	switch {
	case duration <= 0:
		return 0
	case duration <= first:
		return first
	default:
		return first + (duration-first+next-1)/next*next
	}
}

// sum adds to c what a connected call costs by rule i, with the steps. connected
// is the step that says where the connected time comes from. exact leaves the
// grace out.
func (v *compiledVersion) sum(c Charge, record *tencent.CallRecord, i int, connected Step, exact bool) (Charge, error) {
	rule := &v.Rules[i]
	c.Steps = append(make([]Step, 0, 8), v.ruleStep(record, i), connected)
	if rule.byMinutes() && connected.Kind == StepConnected {
		c.step(Step{Kind: StepNoEvidence, Text: "nothing was seen of who was in the call: charged per participant"})
	}
	duration := c.ConnectedSeconds
	if rule.GraceSeconds > 0 && !exact {
		duration = max(0, duration-rule.GraceSeconds)
		c.step(Step{Kind: StepGrace, Seconds: duration, Text: fmt.Sprintf("less %d s grace for %s: %d s", rule.GraceSeconds, record.Result, duration)})
	}
	if why := rule.free(duration, record.Result); why != "" {
		c.step(Step{Kind: StepFree, Amount: c.Amount.Number(), Text: why})
		return c, nil
	}
	c.BilledSeconds = billedSeconds(duration, rule.FirstInterval, rule.NextInterval)
	c.step(Step{
		Kind: StepBilled, Seconds: c.BilledSeconds,
		Text: fmt.Sprintf("billed as %d s: the first %d s, then every %d s begun", c.BilledSeconds, rule.FirstInterval, rule.NextInterval),
	})
	return v.finish(c, i, rule.perParticipant())
}

// finish adds the price of the billed seconds, rounded.
func (v *compiledVersion) finish(c Charge, i int, perParticipant bool) (Charge, error) {
	s, err := v.price(&c, i, perParticipant)
	if err != nil {
		return Charge{}, err
	}
	if c.Amount, err = v.amount(&s); err != nil {
		return Charge{}, err
	}
	c.step(Step{
		Kind: StepRounded, Amount: c.Amount.Number(),
		Text: fmt.Sprintf("rounded %s to %s: %s", v.Rounding.words(), digitsText(v.Digits), c.Amount),
	})
	return c, nil
}

// free is the reason why a call of duration seconds costs nothing, empty if it
// costs something.
func (r *Rule) free(duration int64, result tencent.CallResult) string {
	switch {
	case r.Action == ActionFree:
		return "the tariff charges nothing for " + string(result)
	case duration <= 0:
		return "no time to charge for"
	case duration <= r.FreeSeconds:
		return fmt.Sprintf("%d s are free: nothing to charge", r.FreeSeconds)
	default:
		return ""
	}
}

// price adds up the exact sum of the billed seconds by rule i, times the participants if
// the price is for each of them.
func (v *compiledVersion) price(c *Charge, i int, perParticipant bool) (sixtieths, error) {
	rule, fixed := &v.Rules[i], &v.prices[i]
	s, err := sixtiethsOf(&rule.RatePerMinute, c.BilledSeconds)
	if err != nil {
		return s, fmt.Errorf("usage: %w", err)
	}
	err = c.money(StepUsage, &s, "%s a minute × %d s / 60 = ", rule.RatePerMinute, c.BilledSeconds)
	if rule.ConnectionFee.Sign() > 0 {
		err = errors.Join(err, s.add(&fixed.fee),
			c.money(StepFee, &s, "plus the connection fee of %s = ", rule.ConnectionFee))
	}
	if s.cmp(&fixed.minimum) < 0 {
		s.n.Set(&fixed.minimum.n)
		err = errors.Join(err, c.money(StepMinimum, &s, "raised to the minimum charge of "))
	}
	if rule.Cap != nil && s.cmp(&fixed.limit) > 0 {
		s.n.Set(&fixed.limit.n)
		err = errors.Join(err, c.money(StepCap, &s, "lowered to the cap of "))
	}
	if perParticipant {
		err = errors.Join(err, s.times(int64(c.Participants)),
			c.money(StepParticipants, &s, "times %d for the participants other than the caller = ", c.Participants))
	}
	if err != nil {
		return s, fmt.Errorf("exact sum: %w", err)
	}
	return s, nil
}

func (c *Charge) step(s Step) { c.Steps = append(c.Steps, s) }

// money adds a step whose result is the sum s. Its text ends with the sum.
func (c *Charge) money(kind StepKind, s *sixtieths, format string, args ...any) error {
	program, person, err := s.texts()
	if err != nil {
		return err
	}
	c.step(Step{Kind: kind, Amount: program, Text: fmt.Sprintf(format, args...) + person})
	return nil
}

func (v *compiledVersion) ruleStep(record *tencent.CallRecord, i int) Step {
	return v.tariffStep("rule " + strconv.Itoa(i+1) + ", for " + string(record.MediaType) + " " + string(record.CallType) + " " + string(record.Result))
}

func (v *compiledVersion) tariffStep(what string) Step {
	return Step{Kind: StepTariff, Text: v.title + what}
}

func (v *compiledVersion) unconnectedSteps(record *tencent.CallRecord) []Step {
	return []Step{
		v.tariffStep("unconnected calls cost nothing"),
		{Kind: StepUnconnected, Amount: v.zero.Number(), Text: string(record.Result) + ", never connected: nothing to charge"},
	}
}

func digitsText(digits int) string {
	switch digits {
	case 0:
		return "whole units"
	case 1:
		return "1 digit"
	default:
		return fmt.Sprintf("%d digits", digits)
	}
}
