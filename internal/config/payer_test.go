package config_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"aftercall/internal/billing"
	"aftercall/internal/config"
	"aftercall/internal/tencent"
)

// withPayer is the valid file with a payer of the app, and the app's other keys.
func withPayer(t *testing.T, payer, more string) string {
	t.Helper()
	return replaceOnce(t, valid, "    tariff: standard\n", "    tariff: standard\n    payer:"+payer+"\n"+more)
}

const roomKey = "    evidence: {room_key: '${CLINIC_ROOM_KEY}'}\n"

func TestPayer(t *testing.T) {
	robots := billing.PayerRule{Callers: []string{"robot-*", "ivr"}, Is: "first_callee"}
	for payer, want := range map[string]billing.Payers{
		" first_callee":                  {{Is: "first_callee"}},
		" ${PAYER}":                      {{Is: "caller"}},
		` '{{ .RoomID }}'`:               {{Is: "{{ .RoomID }}"}},
		" room_owner":                    {{Is: "room_owner"}},
		` "{{ or .RoomOwner .Caller }}"`: {{Is: "{{ or .RoomOwner .Caller }}"}},
		" [{callers: [robot-*, ivr], is: first_callee}]": {robots},
		"\n      - {callers: [robot-*, ivr], is: first_callee}\n      - is: caller\n        effective_from: 2026-07-01T00:00:00Z": {
			robots, {EffectiveFrom: time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC), Is: "caller"},
		},
	} {
		environ := environment()
		environ["PAYER"] = "caller"
		cfg, err := config.Parse("test.yaml", []byte(withPayer(t, payer, roomKey)), lookupIn(environ))
		require.NoError(t, err, payer)
		require.Equal(t, want, cfg.Apps[0].Payer, payer)
	}
	cfg, err := parse(t, valid)
	require.NoError(t, err)
	require.Empty(t, cfg.Apps[0].Payer)
}

// TestTheRaterOfAnAppKnowsThePayer of its calls.
func TestTheRaterOfAnAppKnowsThePayer(t *testing.T) {
	cfg, err := parse(t, withPayer(t, " [{callers: [robot-*], is: first_callee}]", ""))
	require.NoError(t, err)
	rater, err := cfg.Apps[0].Rater()
	require.NoError(t, err)
	end := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	record := tencent.CallRecord{
		CallID: "call-1", Caller: "robot-1", Members: []string{"robot-1", "patient-1"}, MediaType: tencent.MediaAudio, CallType: tencent.CallTypeSingle,
		Result: tencent.ResultNormalEnd, StartTime: end.Unix() - 70, AcceptTime: end.Unix() - 60, EndTime: end.Unix(),
	}
	charge, err := rater.Rate(record, end)
	require.NoError(t, err)
	require.Equal(t, "patient-1", charge.Payer().Account)
}

func TestProblemsOfThePayer(t *testing.T) {
	const needsRoom = "asks who opened the room, which only the webhooks of rooms say: set evidence.room_key, or write another payer"
	for payer, want := range map[string][]string{
		"":                    {"11:11: apps[0].payer: is empty: write a value or remove the key"},
		" []":                 {"11:12: apps[0].payer: is empty: write who pays, or leave it out: then the caller does"},
		" {is: caller}":       {"11:12: apps[0].payer: must be caller, first_callee, room_owner or a template, or a list of rules with callers and is, not a mapping"},
		" calle":              {`11:12: apps[0].payer: "calle" is not known: write caller, first_callee, room_owner or a template, as in {{ .RoomID }}`},
		" ${PAYER}":           {"11:12: apps[0].payer: the value of ${PAYER} does not say who pays: write caller, first_callee, room_owner or a template, as in {{ .RoomID }}"},
		" '{{ .Owner }}'":     {"11:12: apps[0].payer: is not a template that gives an account: .Owner is not a field: write .Caller, .FirstCallee, .RoomOwner, .RoomID"},
		" room_owner":         {"11:12: apps[0].payer: " + needsRoom},
		" [{callers: [a]}]":   {"11:13: apps[0].payer[0].is: is missing: Who pays: caller, first_callee, room_owner (who opened the room), or a template that gives the account."},
		" [caller]":           {"11:13: apps[0].payer[0]: must be a mapping, lines of “key: value” below it, not text"},
		" [{is: room_owner}]": {"11:18: apps[0].payer[0].is: " + needsRoom},
		" [{callers: ['*'], is: caller}, {is: calle}]": {
			"11:24: apps[0].payer[0].callers[0]: is every caller: leave callers out",
			`11:48: apps[0].payer[1].is: "calle" is not known: write caller, first_callee, room_owner or a template, as in {{ .RoomID }}`,
		},
		" [{is: caller}, {callers: [a], is: first_callee}]": {
			"11:27: apps[0].payer[1]: is never reached, because the rule [0] before it is for all calls: put that one last",
		},
		" [{caller: a, is: caller}]": {`11:14: apps[0].payer[0].caller: unknown key "caller": did you mean "callers"?`},
	} {
		environ := environment()
		environ["PAYER"] = "canary"
		_, err := config.Parse("test.yaml", []byte(withPayer(t, payer, "")), lookupIn(environ))
		require.EqualError(t, err, "test.yaml:"+strings.Join(want, "\ntest.yaml:"), payer)
	}
}

func TestWithoutRecord(t *testing.T) {
	const both = "    evidence: {members: true, room_key: '${CLINIC_ROOM_KEY}'}\n"
	for name, c := range map[string]struct {
		text, evidence string
		want           billing.Unrecorded
		problem        string
	}{
		"left out":        {"", "", billing.UnrecordedReview, ""},
		"free":            {"    without_record: free\n", "", billing.UnrecordedFree, ""},
		"evidence":        {"    without_record: evidence\n", both, billing.UnrecordedEvidence, ""},
		"no room":         {"    without_record: evidence\n", "    evidence: {members: true}\n", "", "11:21: apps[0].without_record: needs what callbacks and rooms say: set evidence.members: true and evidence.room_key, or write review or free"},
		"no members":      {"    without_record: evidence\n", roomKey, "", "11:21: apps[0].without_record: needs what callbacks and rooms say"},
		"a bad room key":  {"    without_record: evidence\n", "    evidence: {room_key: ' '}\n", "", "12:26: apps[0].evidence.room_key: must be 1 to 32 letters and digits"},
		"another word":    {"    without_record: waive\n", "", "", `11:21: apps[0].without_record: unknown word "waive": known here are evidence, free, review`},
		"nothing of both": {"    without_record: ''\n", "", "", "11:21: apps[0].without_record: "},
	} {
		t.Run(name, func(t *testing.T) {
			cfg, err := parse(t, replaceOnce(t, valid, "    tariff: standard\n", "    tariff: standard\n"+c.text+c.evidence))
			if c.problem != "" {
				require.ErrorContains(t, err, c.problem)
				return
			}
			require.NoError(t, err)
			require.Equal(t, c.want, cfg.Apps[0].WithoutRecord)
		})
	}
}
