package notify

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"aftercall/internal/secret"
)

func stripeOptions(url, value string) *StripeOptions {
	return &StripeOptions{
		URL:    secret.New(url),
		Stripe: Meter{APIKey: secret.New("rk_test_canary"), Name: "call_seconds", Customer: `cus_{{ .Caller | trimPrefix "patient-" }}`, Value: value},
	}
}

func TestStripeRequest(t *testing.T) {
	corrected := sample(t, EventCallCharged)
	corrected.Call.Revision, corrected.Call.LedgerKey, corrected.Call.Amount = 2, "charge.2:1400000000:c1", "1234.50"
	yen := sample(t, EventCallCharged)
	yen.Call.Amount, yen.Call.Currency = "45", "JPY"
	long := sample(t, EventCallCharged)
	long.Call.LedgerKey = "charge:1400000000:" + strings.Repeat("x", 100)
	const key = "charge:1400000000:055662e1-bc8a-469c-a334-1126c8c17d58"
	for name, c := range map[string]struct {
		event                        Event
		counts                       string
		identifier, timestamp, value string
	}{
		"billed seconds":    {sample(t, EventCallCharged), "billed_seconds", key, "1772366400", "120"},
		"connected seconds": {sample(t, EventCallCharged), "connected_seconds", key, "1772366400", "61"},
		"amount in cents":   {sample(t, EventCallCharged), "amount", key, "1772366400", "24"},
		"amount in yen":     {yen, "amount", key, "1772366400", "45"},
		"corrected":         {corrected, "amount", "charge.2:1400000000:c1", "1772366405", "123450"},
		"taken back":        {sample(t, EventCallReversed), "amount", "reversal:1400000000:055662e1-bc8a-469c-a334-1126c8c17d58", "1772366405", "-24"},
		"seconds back":      {sample(t, EventCallReversed), "billed_seconds", "reversal:1400000000:055662e1-bc8a-469c-a334-1126c8c17d58", "1772366405", "-120"},
		"adjusted":          {sample(t, EventCallAdjusted), "amount", "adjustment:1400000000:055662e1-bc8a-469c-a334-1126c8c17d58", "1772366405", "-10"},
		"adjusted seconds":  {sample(t, EventCallAdjusted), "billed_seconds", "adjustment:1400000000:055662e1-bc8a-469c-a334-1126c8c17d58", "1772366405", "0"},
		// printf 'charge:1400000000:%s' $(printf 'x%.0s' {1..100}) | sha256sum
		"long key": {long, "billed_seconds", "sha256:c3345926504c443b1d3c973d703915fbdff9f711aabed1a75fe3855f323a286f", "1772366400", "120"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newProvider(t, http.StatusOK, `{"object":"billing.meter_event"}`)
			s := newSender(t, stripeOptions(p.url, c.counts))
			s.(*stripe).now = func() time.Time { return sentAt }
			require.NoError(t, s.Send(context.Background(), "msg_1", c.event))
			r := p.only(t)
			require.Equal(t, "POST", r.method)
			require.Equal(t, "/v1/billing/meter_events", r.path)
			require.Empty(t, r.query)
			require.Equal(t, "application/x-www-form-urlencoded", r.header.Get("Content-Type"))
			require.Equal(t, "Bearer rk_test_canary", r.header.Get("Authorization"))
			require.Empty(t, r.header.Get("Idempotency-Key"), "it would repeat a failure for a day")
			requireQuery(t, map[string]string{
				"event_name": "call_seconds", "identifier": c.identifier, "timestamp": c.timestamp,
				"payload[stripe_customer_id]": "cus_1001", "payload[value]": c.value,
			}, r.body)
		})
	}
}

// TestStripeAcceptsTheTimeOfALateEvent: an event whose time Stripe would refuse
// is reported at the nearest time that it accepts, with its own time beside it.
func TestStripeAcceptsTheTimeOfALateEvent(t *testing.T) {
	ended := time.Unix(1772366400, 0)
	const day = 24 * time.Hour
	for name, c := range map[string]struct {
		now               time.Time
		timestamp, actual string
	}{
		"at once":        {ended.Add(5 * time.Second), "1772366400", ""},
		"after 34 days":  {ended.Add(34 * day), "1772366400", ""},
		"after 36 days":  {ended.Add(36 * day), strconv.FormatInt(ended.Add(day).Unix()+60, 10), "1772366400"},
		"in the future":  {ended.Add(-time.Hour), strconv.FormatInt(ended.Add(-time.Hour).Unix()+240, 10), "1772366400"},
		"nearly too old": {ended.Add(35*day - time.Second), "1772366459", "1772366400"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newProvider(t, http.StatusOK, `{}`)
			s := newSender(t, stripeOptions(p.url, "billed_seconds"))
			s.(*stripe).now = func() time.Time { return c.now }
			require.NoError(t, s.Send(t.Context(), "msg_1", sample(t, EventCallCharged)))
			form, err := url.ParseQuery(p.only(t).body)
			require.NoError(t, err)
			require.Equal(t, c.timestamp, form.Get("timestamp"))
			require.Equal(t, c.actual, form.Get("payload[actual_timestamp]"))
		})
	}
}

func TestStripeAnswers(t *testing.T) {
	for name, c := range map[string]struct {
		status int
		body   string
		text   string
		class  Class
	}{
		"repetition by code":  {400, `{"error":{"code":"duplicate_meter_event","message":"already submitted"}}`, "", Temporary},
		"repetition by words": {400, `{"error":{"type":"invalid_request_error","message":"An event already exists with identifier charge:1:x."}}`, "", Temporary},
		"other bad request":   {400, `{"error":{"type":"invalid_request_error","message":"canary"}}`, "answered 400 Bad Request (invalid_request_error)", NeedsOperator},
		"no such meter":       {400, `{"error":{"type":"invalid_request_error","code":"no_meter","message":"canary"}}`, "answered 400 Bad Request (no_meter)", NeedsOperator},
		"key":                 {401, `{"error":{"type":"invalid_request_error","message":"Invalid API Key provided: canary"}}`, "answered 401 Unauthorized (invalid_request_error)", NeedsOperator},
		"no permission":       {403, `{"error":{"type":"invalid_request_error","message":"canary"}}`, "answered 403 Forbidden (invalid_request_error)", NeedsOperator},
		"bad value":           {400, `{"error":{"code":"meter_event_invalid_value"}}`, "answered 400 Bad Request (meter_event_invalid_value)", Permanent},
		"too old":             {400, `{"error":{"code":"timestamp_too_far_in_past"}}`, "answered 400 Bad Request (timestamp_too_far_in_past)", NeedsOperator},
		"a page":              {200, `<html>canary</html>`, "answered 2xx, but not as documented", Temporary},
		"at once":             {409, `{"error":{"type":"invalid_request_error"}}`, "answered 409 Conflict (invalid_request_error)", Temporary},
		"too fast":            {429, `{"error":{"type":"invalid_request_error","code":"rate_limit"}}`, "answered 429 Too Many Requests (rate_limit)", Temporary},
		"gateway":             {502, `<html>canary</html>`, "answered 502 Bad Gateway", Temporary},
		"odd code":            {500, `{"error":{"code":"can ary!","type":"api_error"}}`, "answered 500 Internal Server Error (api_error)", Temporary},
	} {
		t.Run(name, func(t *testing.T) {
			p := newProvider(t, c.status, c.body)
			err := newSender(t, stripeOptions(p.url, "amount")).Send(context.Background(), "msg_1", sample(t, EventCallCharged))
			if c.text == "" {
				require.NoError(t, err)
				return
			}
			require.EqualError(t, err, c.text)
			failure, ok := FailureOf(err)
			require.True(t, ok)
			require.Equal(t, c.class, failure.Class)
		})
	}
}

func TestStripeRefusesWhatItCannotCount(t *testing.T) {
	fraction := sample(t, EventCallCharged)
	fraction.Call.Amount = "0.245"
	nobody := sample(t, EventCallCharged)
	nobody.Call.Caller = ""
	for want, event := range map[string]Event{
		"stripe.value amount: 0.245 USD is not a whole number of the currency's smallest unit": fraction,
		"a meter cannot count the event sweep.recovered":                                       sample(t, EventSweepRecovered),
		"stripe.customer gives nothing for this event":                                         nobody,
	} {
		p := newProvider(t, http.StatusOK, `{}`)
		o := stripeOptions(p.url, "amount")
		o.Stripe.Customer = "{{ .Caller }}"
		err := newSender(t, o).Send(context.Background(), "msg_1", event)
		var deliveryErr *DeliveryError
		require.ErrorAs(t, err, &deliveryErr)
		require.Equal(t, Permanent, deliveryErr.Class)
		require.EqualError(t, err, want)
		require.Empty(t, p.seen)
	}
}
