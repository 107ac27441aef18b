package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"aftercall/dev/faults/checker"
	"aftercall/dev/faults/members"
	"aftercall/dev/local"
	"aftercall/dev/tencentsim"
	"aftercall/internal/attendance"
	"aftercall/internal/billing"
	"aftercall/internal/config"
	"aftercall/internal/tencent"
)

// TestPrices: what a person must decide about cannot be read, and what can be read
// costs what the checker says, and is charged to the same payer. The same holds for what
// people decide about.
func TestPrices(t *testing.T) {
	cfg := loadConfig(t)
	for seed := range uint64(40) {
		for _, planned := range newPlan(seed, nil, 60).calls {
			app, known := cfg.App(planned.spec.SDKAppID)
			require.True(t, known)
			rater, err := app.Rater()
			require.NoError(t, err)
			sim, err := tencentsim.New(t.Context(), tencentsim.Options{Apps: local.SimulatedApps(cfg), Logger: slog.New(slog.DiscardHandler)})
			require.NoError(t, err)
			planned.spec.Lose = true
			placed, err := sim.PlaceCall(planned.spec)
			require.NoError(t, err)
			require.NoError(t, sim.Close())
			c := placedCall{planned, placed}
			comparePrices(t, rater, c, app.Name)
		}
	}
}

// TestUnrecordedCalls: calls without a record are charged, or left to a person, as the
// checker says, by what Tencent posts of them.
func TestUnrecordedCalls(t *testing.T) {
	receiver := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(receiver.Close)
	sim, err := tencentsim.New(t.Context(), tencentsim.Options{Apps: local.SimulatedApps(loadConfig(t)), Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, sim.Close()) })
	api := httptest.NewServer(sim)
	t.Cleanup(api.Close)
	cfg := loadConfigAt(t, api.URL)
	require.NoError(t, local.RegisterCallbacks(t.Context(), cfg, receiver.URL))
	require.NoError(t, local.RegisterRooms(sim, cfg, receiver.URL))
	outcomes := map[string]int{}
	for seed := range uint64(60) {
		for _, planned := range newPlan(seed, nil, 60).calls {
			if planned.recorded || planned.spec.Lose {
				continue
			}
			_, err := sim.PlaceCall(planned.spec)
			require.NoError(t, err)
			require.NoError(t, sim.Wait(t.Context()))
			call, _ := sim.Call(planned.spec.SDKAppID, planned.spec.CallID)
			outcomes[nameOf(planned.spec.SDKAppID)+": "+compareUnrecorded(t, cfg, placedCall{planned, call})]++
		}
	}
	for outcome, least := range map[string]int{
		"tutoring: free": 100, "tutoring: review": 5, "seminar: charged": 100, "seminar: free": 10, "seminar: review": 100,
	} {
		require.Greater(t, outcomes[outcome], least, outcomes)
	}
}

// compareUnrecorded compares what becomes of a call without a record by the product and by
// the checker, whatever callback about its end comes first.
func compareUnrecorded(t *testing.T, cfg *config.Config, c placedCall) (outcome string) {
	t.Helper()
	app, _ := cfg.App(c.spec.SDKAppID)
	rater, err := app.Rater()
	require.NoError(t, err)
	truth := c.known(app.Name)
	var seen []attendance.Event
	if app.Name == nameOf(seminar) {
		for _, s := range members.Sent(c.call) {
			truth.Seen = append(truth.Seen, s.Seen)
			seen = append(seen, attendance.Event{Source: attendance.Source(s.Source), User: s.User, Kind: attendance.Kind(s.Kind), At: time.Unix(s.At, 0)})
		}
	}
	for _, p := range aboutTheEnd(c.call.Callbacks) {
		if callIDIn(p) != c.spec.CallID {
			continue
		}
		read, err := decodedCallback(p)
		require.NoError(t, err)
		as, sum, ok := tariffs[app.Name].Unrecorded(truth, members.Claims(c.spec.CallID, []tencentsim.PostedCallback{p})[0])
		if app.WithoutRecord == "" || app.WithoutRecord == billing.UnrecordedReview {
			require.False(t, ok)
			return "review"
		}
		record, charge, err := rater.RateUnrecorded(app.WithoutRecord, read.Record, time.Now(), seen...)
		if outcome = "review"; err != nil {
			require.False(t, ok, "%+v %v", c.spec, err)
			continue
		}
		if app.WithoutRecord == billing.UnrecordedFree && !ok { // which the workflow decides
			require.Greater(t, max(record.EndTime-truth.End, truth.End-record.EndTime), int64(7*24*3600), c.spec)
			continue
		}
		require.True(t, ok, "%s", inJSON(c.spec))
		payer := record.Caller
		if by := charge.Payer(); by != nil {
			payer = by.Account
		}
		require.Equal(t, as.Caller, payer, inJSON(c.spec))
		require.Equal(t, as.End, record.EndTime, c.spec)
		require.Equal(t, as.Result, string(record.Result), c.spec)
		require.Equal(t, sum, checker.Sum{Amount: charge.Amount.Number(), Currency: charge.Amount.CurrencyCode(), BilledSeconds: charge.BilledSeconds}, inJSON(c.spec))
		if outcome = "free"; charge.BilledSeconds > 0 {
			outcome = "charged"
		}
	}
	return outcome
}

func loadConfig(t *testing.T) *config.Config {
	t.Helper()
	return loadConfigAt(t, "https://tencent.example")
}

// loadConfigAt is the configuration with Tencent's API at a URL.
func loadConfigAt(t *testing.T, api string) *config.Config {
	t.Helper()
	values := map[string]string{"DEV_TENCENT_URL": api}
	cfg, err := config.Load("aftercall.yaml", func(name string) (string, bool) {
		if values[name] == "" { // any will do, of the right form
			values[name] = fmt.Sprintf("https://%d.example", len(values))
			switch {
			case name == "DEV_EVIDENCE_URL":
				values[name] = "sqlite:evidence.db"
			case strings.HasSuffix(name, "_ROOM_KEY"):
				values[name] = "ARoomKey"
			case strings.HasSuffix(name, "_WEBHOOK_SECRET"):
				values[name] = "whsec_" + base64.StdEncoding.EncodeToString([]byte("the secret of a webhook "+name))
			case !strings.HasSuffix(name, "_URL"):
				values[name] = strings.Repeat("abcdef0123456789", 4)
			}
		}
		return values[name], true
	})
	require.NoError(t, err)
	return cfg
}

// comparePrices compares what a call costs by the product and by the checker.
func comparePrices(t *testing.T, rater *billing.Rater, c placedCall, app string) {
	t.Helper()
	text, err := json.Marshal(c.call.Record)
	require.NoError(t, err)
	for _, odd := range c.spec.OddRecord {
		text, err = odd.Apply(text)
		require.NoError(t, err)
	}
	read, problems := tencent.DecodeRecord(text)
	truth := c.known(app)
	seen := arrived(c)
	truth.Seen = members.Seen(seen)
	sum := func(charge billing.Charge) checker.Sum {
		return checker.Sum{Amount: charge.Amount.Number(), Currency: charge.Amount.CurrencyCode(), BilledSeconds: charge.BilledSeconds}
	}
	want, review := tariffs[app].Rate(truth)
	if truth.Unreadable {
		require.NotEmpty(t, problems, c.spec)
	}
	if len(problems) == 0 {
		charge, err := rater.Rate(read, time.Now(), seen...)
		require.Equal(t, review, err != nil, "%+v %v", c.spec, err)
		if err == nil {
			require.Equal(t, want, sum(charge), c.spec)
			require.Equal(t, truth.Caller, read.Caller, c.spec)
			payer := read.Caller
			if by := charge.Payer(); by != nil {
				payer = by.Account
			}
			require.Equal(t, tariffs[app].Payer(truth), payer, c.spec)
		}
	}
	d := c.decision
	if d.verdict == "charge" {
		require.Empty(t, problems, c.spec)
	}
	charge, err := rater.Decide(c.call.Record, billing.Decision{
		Verdict: billing.Verdict(d.verdict), ConnectedSeconds: d.seconds, MediaType: mediaUnless(d, c.spec.Media), Exact: d.verdict == "charge-as",
	}, seen...)
	require.NoError(t, err, c.spec)
	want, ok := tariffs[app].Decide(truth, checker.Decision{Verdict: d.verdict, Seconds: d.seconds, Media: string(c.spec.Media), Type: string(c.call.Record.CallType)})
	require.True(t, ok, c.spec)
	require.Equal(t, want, sum(charge), c.spec)
}

// arrived are the events of a call that is charged by them, as they come: some are lost.
func arrived(c placedCall) (seen []attendance.Event) {
	if c.spec.SDKAppID != seminar {
		return nil
	}
	r := c.call.Record
	random := rand.New(rand.NewPCG(uint64(r.EndTime), uint64(r.AcceptTime)))
	for _, source := range []attendance.Source{attendance.SourceCallback, attendance.SourceRoom} {
		for range random.IntN(12) {
			at := r.AcceptTime - 5 + random.Int64N(r.ConnectedSeconds()+10)
			seen = append(seen, attendance.Event{Source: source, User: one(random, r.Members...), Kind: one(random, attendance.Kinds...), At: time.Unix(at, 0)})
		}
	}
	return seen
}

func mediaUnless(d decision, media tencent.MediaType) tencent.MediaType {
	if d.verdict == "waive" {
		return ""
	}
	return media
}
