package simulation

import (
	"fmt"

	"aftercall/dev/faults/checker"
	"aftercall/dev/faults/members"
	"aftercall/internal/config"
)

const (
	secretKey     = "5bd2850fff3ecb11d7c805251c51ee463a25727bddc2385f3fa8bfee1bb93b5e"
	webhookSecret = "whsec_c2ltdWxhdGlvbi1zaW11bGF0aW9uLXNpbXVsYXRpb24="
	pathSecret    = "a-callback-path-secret"
	roomKey       = "5bd2850fff3ecb11d7c805251c51ee46"
)

// configuration has three apps with different prices, each of which makes something else
// of calls without a record, and three targets. targets and tariffs say the same for the
// checker.
const configuration = `
apps:
  - name: clinic
    sdk_app_id: 1400000000
    secret_key: %[1]s
    api: https://tencent.example
    callback: {secret: %[2]s}
    tariff: consultation
    go_live: 2025-01-01T00:00:00Z
    sweep: {every: %[3]s, overlap: 3h}
    relay: {url: "https://targets.example/relay", retry_window: 96h}
  - name: tutoring
    sdk_app_id: 1400000001
    secret_key: %[1]s
    api: https://tencent.example
    callback: {secret: %[2]s-2}
    tariff: lessons
    payer: [{callers: [robot-*], is: first_callee}]
    without_record: free
    go_live: 2025-01-01T00:00:00Z
    sweep: {every: %[3]s, overlap: 3h}
  - name: seminar
    sdk_app_id: 1400000002
    secret_key: %[1]s
    api: https://tencent.example
    callback: {secret: %[2]s-3}
    tariff: seminars
    payer: [{callers: [host], is: first_callee}]
    without_record: evidence
    evidence: {members: true, room_key: %[5]s}
    go_live: 2025-01-01T00:00:00Z
    sweep: {every: %[3]s, overlap: 3h}
targets:
  - {name: crm, url: "https://targets.example/hooks/crm", secrets: [%[4]s], retry_window: 96h}
  - {name: audit, url: "https://targets.example/hooks/audit", secrets: [%[4]s], apps: [tutoring], retry_window: 96h}
  - {name: billing, url: "https://targets.example/hooks/billing", secrets: [%[4]s], results: [NormalEnd, Offline], retry_window: 96h}
tariffs:
  consultation:
    currency: USD
    versions:
      - effective_from: 2025-01-01T00:00:00Z
        max_duration: 2h
        rules:
          - {media: [Audio], results: [NormalEnd, Interrupt], rate_per_minute: 0.12, first_interval: 60, next_interval: 60}
          - {media: [Video], results: [NormalEnd, Interrupt], rate_per_minute: 0.31, first_interval: 60, next_interval: 6}
          - {results: [Offline], rate_per_minute: 0.12, first_interval: 60, next_interval: 60, grace_seconds: 30}
  lessons:
    currency: JPY
    versions:
      - effective_from: 2025-01-01T00:00:00Z
        max_duration: 2h
        rules:
          - {call_types: [SingleCall], rate_per_minute: 45, first_interval: 30, next_interval: 1}
          - {call_types: [MultiCall], rate_per_minute: 45, first_interval: 30, next_interval: 1, per: participant}
  seminars:
    currency: USD
    versions:
      - effective_from: 2025-01-01T00:00:00Z
        max_duration: 2h
        evidence: {use: earliest_leave, without: participant}
        rules:
          - {rate_per_minute: 0.06, first_interval: 30, next_interval: 6, per: participant_minute}
`

const (
	clinic   = "clinic"
	tutoring = "tutoring"
	// seminar is the app whose calls are charged by who was seen in them.
	seminar = "seminar"
)

// appNames are those of the configuration, in its order.
var appNames = []string{clinic, tutoring, seminar}

// relay is the name of the backend to which the callbacks of an app are relayed.
const relay = "relay"

// robots is how the robots of tutoring begin, whose calls the first callee pays.
const robots = "robot-"

var connected = []string{"NormalEnd", "Interrupt", "Offline"}

// tariffs are those of the configuration, by app.
var tariffs = map[string]checker.Tariff{
	clinic: {Currency: "USD", Digits: 2, MaxSeconds: 7200, Rules: []checker.Rule{
		{Media: []string{"Audio"}, Results: []string{"NormalEnd", "Interrupt"}, PerMinute: "0.12", First: 60, Next: 60},
		{Media: []string{"Video"}, Results: []string{"NormalEnd", "Interrupt"}, PerMinute: "0.31", First: 60, Next: 6},
		{Results: []string{"Offline"}, PerMinute: "0.12", First: 60, Next: 60, Grace: 30},
	}},
	tutoring: {Currency: "JPY", Digits: 0, MaxSeconds: 7200, Rules: []checker.Rule{
		{Types: []string{"SingleCall"}, Results: connected, PerMinute: "45", First: 30, Next: 1},
		{Types: []string{"MultiCall"}, Results: connected, PerMinute: "45", First: 30, Next: 1, PerParticipant: true},
	}, Robots: robots, WithoutRecord: checker.UnrecordedFree},
	seminar: {
		Currency: "USD", Digits: 2, MaxSeconds: 7200, Rules: []checker.Rule{{PerMinute: "0.06", First: 30, Next: 6, Members: true}},
		Robots: members.Host, WithoutRecord: checker.UnrecordedSeen,
	},
}

var targets = []checker.Target{
	{Name: "crm", Reviews: true}, {Name: "audit", Apps: []string{tutoring}, Reviews: true}, {Name: "billing", Results: []string{"NormalEnd", "Offline"}},
}

func parseConfiguration(sweepEvery string) (*config.Config, error) {
	text := fmt.Sprintf(configuration, secretKey, pathSecret, sweepEvery, webhookSecret, roomKey)
	return config.Parse("simulation.yaml", []byte(text), func(string) (string, bool) { return "", false })
}
