package notify

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/bojanz/currency"
)

const (
	stripeAPI = "https://api.stripe.com"
	// maxStripeName is the longest event name and identifier.
	maxStripeName = 100
)

// Stripe is how charges become meter events of Stripe Billing.
type Stripe struct {
	APIKey string
	// Meter is the meter's event name.
	Meter string
	// Customer is a template of the Stripe customer's ID.
	Customer string
	// Value is billed_seconds, connected_seconds or amount.
	Value string
}

// StripeAmount counts what was charged, in the smallest unit of the currency.
const StripeAmount = "amount"

// What else a meter can count.
const (
	stripeBilledSeconds    = "billed_seconds"
	stripeConnectedSeconds = "connected_seconds"
)

// stripeCode matches the codes and types of Stripe's errors.
var stripeCode = regexp.MustCompile(`^[a-z_]{1,80}$`)

// stripe reports usage (docs.stripe.com/api/billing/meter-event/create). A
// reversal is reported as a negative quantity, which unlike the cancellation of
// an event works at any time (docs.stripe.com/billing/subscriptions/usage-based/meters/configure).
type stripe struct {
	Stripe
	url      string
	customer *message
	http     *http.Client
	now      func() time.Time
}

var stripeKind = kind{
	required: []string{"stripe"},
	optional: append([]string{"url"}, networkKeys...),
	events:   []EventType{EventCallCharged, EventCallReversed},
	build: func(o Options, r *report) Sender {
		s := &stripe{Stripe: o.Stripe, http: o.HTTP, now: time.Now}
		base := o.URL
		if base == "" {
			base = stripeAPI
		}
		r.address(base)
		s.url = strings.TrimRight(base, "/") + "/v1/billing/meter_events"
		r.secret("stripe.api_key", s.APIKey, "copy a secret or restricted key, sk_… or rk_…, from the Stripe dashboard")
		if s.Meter == "" || len(s.Meter) > maxStripeName {
			r.add("stripe.meter", "must be the meter's event name, of at most %d characters", maxStripeName)
		}
		switch s.Value {
		case stripeBilledSeconds, stripeConnectedSeconds, StripeAmount:
		default:
			r.add("stripe.value", "must be billed_seconds, connected_seconds or amount (in the currency's smallest unit)")
		}
		s.customer = newText("stripe.customer", o.Stripe.Customer, "", o, r, plain, 0)
		return s
	},
}

// Send reports one charge or reversal. Its ledger key identifies it, so that
// Stripe refuses a repetition within 24 hours, which is success here.
func (s *stripe) Send(ctx context.Context, _ string, event Event) error {
	form, err := s.form(event)
	if err != nil {
		return err
	}
	header := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}, "Authorization": {"Bearer " + s.APIKey}}
	a, err := post(ctx, s.http, s.url, header, []byte(form.Encode()))
	if err != nil {
		return err
	}
	return s.outcome(a)
}

func (s *stripe) form(event Event) (url.Values, error) {
	c := event.Call
	if c == nil {
		return nil, &DeliveryError{Reason: "a meter cannot count the event " + string(event.Type), Final: true}
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
	if event.Type == EventCallReversed || c.Revision > 1 {
		// A correction counts when it is made: the period of the call may be closed.
		at = event.Timestamp
	}
	if event.Type == EventCallReversed && value > 0 {
		value = -value
	}
	return url.Values{
		"event_name":                  {s.Meter},
		"identifier":                  {stripeIdentifier(c.LedgerKey)},
		"timestamp":                   {strconv.FormatInt(at.Unix(), 10)},
		"payload[stripe_customer_id]": {customer},
		"payload[value]":              {strconv.FormatInt(value, 10)},
	}, nil
}

// quantity is the number that the meter adds, which Stripe wants whole.
func (s *stripe) quantity(c *CallData) (int64, error) {
	switch s.Value {
	case stripeBilledSeconds:
		return c.BilledSeconds, nil
	case stripeConnectedSeconds:
		return c.ConnectedSeconds, nil
	}
	amount, err := currency.NewAmount(c.Amount, c.Currency)
	if err != nil {
		return 0, fmt.Errorf("amount of the event: %w", err)
	}
	units, err := amount.Int64()
	if err != nil || !amount.Round().Equal(amount) {
		return 0, &DeliveryError{Reason: "stripe.value amount: " + amount.String() + " is not a whole number of the currency's smallest unit", Final: true}
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

func (s *stripe) outcome(a *answer) error {
	if a.ok() {
		return nil
	}
	var body struct {
		Error struct {
			Type    string `json:"type"`
			Code    string `json:"code"`
			Message string `json:"message"`
		} `json:"error"`
	}
	failure := a.statusError(s.now())
	if json.Unmarshal(a.body, &body) != nil {
		return failure
	}
	e := body.Error
	// The code is not always there, so the words count too.
	if a.status == http.StatusBadRequest && (e.Code == "duplicate_meter_event" || strings.Contains(e.Message, "event already exists with identifier")) {
		return nil
	}
	for _, reason := range []string{e.Code, e.Type} {
		if stripeCode.MatchString(reason) {
			failure.Reason = reason
			break
		}
	}
	return failure
}
