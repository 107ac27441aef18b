package notify

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/bojanz/currency"

	"aftercall/internal/secret"
)

// TypeStripe is a meter of Stripe Billing (docs.stripe.com/api/billing/meter-event/create).
const TypeStripe Type = "stripe"

var stripeChannel = Channel{
	Type: TypeStripe,
	Doc:  "[a meter event](https://docs.stripe.com/api/billing/meter-event/create) for each `call.charged`, `call.reversed` and `call.adjusted`",
	Example: `- name: billing
  type: stripe
  stripe:
    api_key: ${STRIPE_KEY}
    meter: call_seconds
    customer: "{{ .Payer }}"
    value: billed_seconds
`,
	Events:     []EventType{EventCallCharged, EventCallReversed, EventCallAdjusted},
	NewOptions: func() Options { return new(StripeOptions) },
}

// StripeOptions are the options of targets of type stripe.
type StripeOptions struct {
	URL    secret.Text `yaml:"url" default:"https://api.stripe.com" doc:"Address of Stripe's API, for a proxy or a test."`
	Stripe Meter       `yaml:"stripe" required:"true" doc:"What is reported to which meter."`
	HTTPOptions
}

// Meter is a meter of Stripe Billing and what is reported to it.
type Meter struct {
	APIKey   secret.Text `yaml:"api_key" required:"true" doc:"Secret or restricted key, sk_… or rk_…, that may write meter events."`
	Name     string      `yaml:"meter" required:"true" doc:"Event name of the meter. Its aggregation must be a sum."`
	Customer string      `yaml:"customer" required:"true" doc:"Template of the Stripe customer's ID, such as cus_NciAYcXfLnqBoz or {{ .Payer }}."`
	Value    string      `yaml:"value" default:"billed_seconds" doc:"What is counted: billed_seconds, connected_seconds, or amount, in the smallest unit of the currency, such as cents."`
}

// What a meter counts. An amount is in the smallest unit of the currency.
const (
	countBilledSeconds    = "billed_seconds"
	countConnectedSeconds = "connected_seconds"
	countAmount           = "amount"
)

// maxStripeName is the longest event name and identifier.
const maxStripeName = 100

// address implements Options.
func (o *StripeOptions) address() string { return o.URL.Reveal() }

// newSender implements Options.
func (o *StripeOptions) newSender(s *setup) Sender {
	s.url(o.URL)
	m := o.Stripe
	s.secret("stripe.api_key", m.APIKey, "copy a secret or restricted key, sk_… or rk_…, from the Stripe dashboard")
	if m.Name == "" || len(m.Name) > maxStripeName {
		s.report("stripe.meter", "must be the meter's event name, of at most %d characters", maxStripeName)
	}
	switch m.Value {
	case countBilledSeconds, countConnectedSeconds:
	case countAmount:
		checkAmounts(s)
	default:
		s.report("stripe.value", "must be billed_seconds, connected_seconds or amount (in the currency's smallest unit)")
	}
	return &stripe{
		url:    strings.TrimRight(o.URL.Reveal(), "/") + "/v1/billing/meter_events",
		apiKey: m.APIKey.Reveal(), meter: m.Name, value: m.Value,
		customer: s.message("stripe.customer", m.Customer, "", TextOptions{}, plain, 0), http: s.http, now: s.now,
	}
}

// checkAmounts reports amounts that a meter cannot add up: those of several
// currencies, or with fractions of the smallest unit.
func checkAmounts(s *setup) {
	currencies := map[string]bool{}
	for _, c := range s.charges {
		currencies[c.Currency] = true
		if digits, ok := currency.GetDigits(c.Currency); ok && c.Digits > int(digits) {
			s.report("stripe.value", "amount counts whole units of %s, of which the tariff of the app %s charges fractions: choose billed_seconds, or leave digits out of the tariff", c.Currency, c.App)
		}
	}
	if len(currencies) > 1 {
		s.report("stripe.value", "amount cannot add up %s: make a target of each currency, with the apps of each", strings.Join(slices.Sorted(maps.Keys(currencies)), " and "))
	}
}

// stripeCode matches the codes and types of Stripe's errors.
var stripeCode = regexp.MustCompile(`^[a-z_]{1,80}$`)

// stripe reports usage. A reversal is reported as a negative quantity, which
// unlike the cancellation of an event works at any time
// (docs.stripe.com/billing/subscriptions/usage-based/meters/configure).
type stripe struct {
	url, apiKey, meter, value string
	customer                  *message
	http                      *http.Client
	now                       func() time.Time
}

// Send reports one charge, reversal or adjustment, of which a meter that counts
// seconds gets 0. The ledger key identifies it: Stripe
// refuses a repetition within 24 hours, which is success here.
func (s *stripe) Send(ctx context.Context, _ string, event Event) error {
	form, err := s.form(event)
	if err != nil {
		return err
	}
	header := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}, "Authorization": {"Bearer " + s.apiKey}}
	resp, err := post(ctx, s.http, s.url, header, []byte(form.Encode()))
	if err != nil {
		return err
	}
	return s.result(resp)
}

func (s *stripe) form(event Event) (url.Values, error) {
	c := event.Call
	if c == nil {
		return nil, &DeliveryError{Reason: "a meter cannot count the event " + string(event.Type), Class: Permanent}
	}
	customer, err := s.customer.render(event)
	if err != nil {
		return nil, err
	}
	value, err := s.quantity(c)
	if err != nil {
		return nil, err
	}
	at := time.Unix(c.EndTime, 0)
	if event.Type != EventCallCharged || c.Revision > 1 {
		// A correction counts when it is made: the period of the call may be closed.
		at = event.Timestamp
	}
	if event.Type == EventCallReversed && value > 0 {
		value = -value
	}
	form := url.Values{
		"event_name":                  {s.meter},
		"identifier":                  {stripeIdentifier(c.LedgerKey)},
		"timestamp":                   {strconv.FormatInt(at.Unix(), 10)},
		"payload[stripe_customer_id]": {customer},
		"payload[value]":              {strconv.FormatInt(value, 10)},
	}
	if accepted := stripeTime(at, s.now()); !accepted.Equal(at) {
		form.Set("timestamp", strconv.FormatInt(accepted.Unix(), 10))
		form.Set("payload[actual_timestamp]", strconv.FormatInt(at.Unix(), 10))
	}
	return form, nil
}

// Stripe accepts timestamps of the last 35 days and of the next five minutes
// (docs.stripe.com/api/billing/meter-event/create). The margin is for the time
// that the request takes, and for clocks that differ.
const (
	maxStripeAge    = 35 * 24 * time.Hour
	maxStripeFuture = 5 * time.Minute
	stripeMargin    = time.Minute
)

// stripeTime is at, or the nearest time that Stripe accepts at now.
func stripeTime(at, now time.Time) time.Time {
	if oldest := now.Add(stripeMargin - maxStripeAge); at.Before(oldest) {
		return oldest
	}
	if newest := now.Add(maxStripeFuture - stripeMargin); at.After(newest) {
		return newest
	}
	return at
}

// quantity is the number that the meter adds. Stripe accepts whole numbers only.
func (s *stripe) quantity(c *CallData) (int64, error) {
	switch s.value {
	case countBilledSeconds:
		return c.BilledSeconds, nil
	case countConnectedSeconds:
		return c.ConnectedSeconds, nil
	}
	amount, err := currency.NewAmount(c.Amount, c.Currency)
	if err != nil {
		return 0, fmt.Errorf("amount of the event: %w", err)
	}
	units, err := amount.Int64()
	if err != nil || !amount.Round().Equal(amount) {
		return 0, &DeliveryError{Reason: "stripe.value amount: " + amount.String() + " is not a whole number of the currency's smallest unit", Class: Permanent}
	}
	return units, nil
}

// stripeIdentifier is the ledger key, or a hash of one that is too long.
func stripeIdentifier(key string) string {
	if len(key) <= maxStripeName {
		return key
	}
	hash := sha256.Sum256([]byte(key))
	return "sha256:" + hex.EncodeToString(hash[:])
}

// stripeFinal are codes about the event that nothing can change
// (docs.stripe.com/error-codes).
var stripeFinal = []string{"meter_event_invalid_value", "meter_event_value_too_many_digits", "parameter_invalid_integer", "parameter_invalid_string_empty"}

// stripeError is the error in the body of a response.
type stripeError struct {
	Type    words `json:"type"`
	Code    words `json:"code"`
	Message words `json:"message"`
}

// result returns the error of a response, nil for a repetition. Accepted is not
// yet counted: Stripe checks customer and meter later.
func (s *stripe) result(resp *response) error {
	var body struct {
		Error *stripeError `json:"error"`
	}
	understood := resp.object(&body)
	if resp.ok() {
		if !understood || body.Error != nil {
			return errNotUnderstood
		}
		return nil
	}
	var e stripeError
	if body.Error != nil {
		e = *body.Error
	}
	// Not every such response has the code, so the message counts too.
	if resp.status == http.StatusBadRequest && (e.Code == "duplicate_meter_event" || strings.Contains(string(e.Message), "event already exists with identifier")) {
		return nil
	}
	failure := resp.statusError(s.now())
	for _, reason := range []words{e.Code, e.Type} {
		if stripeCode.MatchString(string(reason)) {
			failure.Reason = string(reason)
			break
		}
	}
	switch {
	case slices.Contains(stripeFinal, string(e.Code)):
		return &DeliveryError{Reason: failure.Error(), Class: Permanent}
	case resp.status == http.StatusUnauthorized, resp.status == http.StatusForbidden:
		failure.RetryAfter = max(failure.RetryAfter, operatorDelay)
	}
	return failure
}
