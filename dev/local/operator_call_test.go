package local_test

import (
	"encoding/json"
	"regexp"
	"strings"
	"time"

	"github.com/stretchr/testify/require"

	"aftercall/dev/tencentsim"
	"aftercall/internal/cli"
	"aftercall/internal/tencent"
	"aftercall/internal/testenv"
	"aftercall/workflows"
)

func (c console) testCall() {
	call := c.place(tencentsim.CallSpec{CallID: "call-charged"})
	c.follow(call)
	o := c.run("call", "call-charged")
	require.Equal(c.t, output{cli.OK, `Call      call-charged of clinic (1400000000)
Status    done: charge of 0.24 USD for 120 s
Redis     remembers its callback for another HOURS
Workflow  completed, started TIME by callback, closed TIME
          call:1400000000:call-charged
          http://HOST/namespaces/default/workflows/call:1400000000:call-charged/RUN/history
Ledger    0.24 USD for 120 s, by tariff consultation, booked TIME
          charge:1400000000:call-charged
Delivery  crm: delivered since TIME
Delivery  desk: delivered since TIME
`, ""}, o)

	require.NoError(c.t, c.stack.Forget(c.ctx, call))
	o = c.run("call", "call-charged", "--app", "clinic")
	require.Equal(c.t, output{cli.OK, `Call      call-charged of clinic (1400000000)
Status    done: charge of 0.24 USD for 120 s
Redis     does not remember the call
Workflow  none, or no longer retained
Ledger    0.24 USD for 120 s, by tariff consultation, booked TIME
          charge:1400000000:call-charged
`, ""}, o)

	o = c.run("call", "call-unknown")
	require.Equal(c.t, cli.NotFound, o.code)
	require.Empty(c.t, o.stdout)
	require.Contains(c.t, o.stderr, "the call call-unknown is unknown")
	require.Contains(c.t, o.stderr, "→ if Tencent has its record, this starts it: aftercall start --app APP call-unknown\n")
	require.Equal(c.t, cli.NotFound, c.run("call", "call-charged", "--app", "tutoring").code, "of another app")
	require.Equal(c.t, cli.Usage, c.run("call", "call-charged", "--app", "nobody").code)
	require.Equal(c.t, cli.Usage, c.run("call", "").code)

	for _, app := range []tencent.SDKAppID{clinicID, tutoringID} {
		c.follow(c.place(tencentsim.CallSpec{CallID: "call-twice", SDKAppID: app}))
	}
	o = c.run("call", "call-twice")
	require.Equal(c.t, cli.Usage, o.code)
	require.Contains(c.t, o.stderr, "several apps have a call with this CallId: clinic, tutoring\n  → name one with --app\n")

	require.Equal(c.t, cli.OK, c.run("resend", "call-charged", "--target", "crm").code)
	require.Eventually(c.t, func() bool {
		o = c.run("call", "call-charged")
		return regexp.MustCompile(`(?m)^Later delivery  deliver:call\.charged\.resend-\S+:1400000000:call-charged, completed$\n^ +crm: delivered since TIME$`).MatchString(o.stdout)
	}, testTimeout, 100*time.Millisecond, "%s", o)
}

func (c console) testCallThatWaits() {
	reviewed := c.place(tencentsim.CallSpec{CallID: "call-reviewed", Record: json.RawMessage(`{"AcceptTime":0}`)})
	stuck := c.place(tencentsim.CallSpec{CallID: "call-stuck", RecordFault: &tencentsim.APIFault{Code: tencent.CodeInternal, Info: "down"}})
	c.awaitStage(reviewed, workflows.StageReview)
	c.awaitStage(stuck, workflows.StageRecord)

	o := c.run("call", "call-reviewed")
	require.Equal(c.t, cli.OK, o.code)
	require.Contains(c.t, o.stdout, "Status    waits for a person's decision since TIME: needs review: CallResult is NormalEnd but AcceptTime is 0\n")
	require.Contains(c.t, o.stdout, "Ledger    no entry\n")

	var found struct {
		Workflow struct {
			State, Link string
			Status      workflows.Status
			Pending     []struct {
				Activity    string
				LastFailure string `json:"last_failure"`
			}
		}
	}
	require.Eventually(c.t, func() bool {
		return c.json(&found, nil, "call", "call-stuck") == cli.OK && len(found.Workflow.Pending) > 0 && found.Workflow.Pending[0].LastFailure != ""
	}, testTimeout, 100*time.Millisecond)
	require.Equal(c.t, "running", found.Workflow.State)
	require.Equal(c.t, "FetchRecord", found.Workflow.Pending[0].Activity)
	require.Contains(c.t, found.Workflow.Pending[0].LastFailure, "101001 (down)")
	require.Contains(c.t, found.Workflow.Status.WaitingFor, "101001 (down)")
	o = c.run("call", "call-stuck")
	require.Contains(c.t, o.stdout, "Status    in stage record, waits since TIME for the call record: ")
	require.Contains(c.t, o.stdout, "Pending   FetchRecord, attempt ")
	var waiting []struct {
		CallID     string `json:"call_id"`
		Stage      workflows.Stage
		WaitingFor string `json:"waiting_for"`
	}
	require.Equal(c.t, cli.OK, c.json(&waiting, nil, "waiting", "--app", "clinic"))
	stages := map[string]workflows.Stage{}
	for _, w := range waiting {
		stages[w.CallID] = w.Stage
	}
	require.Equal(c.t, map[string]workflows.Stage{"call-reviewed": workflows.StageReview, "call-stuck": workflows.StageRecord}, stages)
	require.Equal(c.t, cli.OK, c.json(&waiting, nil, "waiting", "--stage", "review"))
	require.Len(c.t, waiting, 1)
	require.Equal(c.t, "a decision: needs review: CallResult is NormalEnd but AcceptTime is 0", waiting[0].WaitingFor)
	require.Equal(c.t, output{cli.OK, "No call is waiting.\n", ""}, c.run("waiting", "--app", "tutoring"))
	require.Contains(c.t, o.stdout, "last failure: v4/call_record_http_srv/get_record_by_callid answered 101001 (down)")
}

// testRetry has a call wait for its next attempt, removes the cause, and retries it:
// its first delays are of seconds, so the cause stays until they are longer.
func (c console) testRetry() {
	stuck := c.place(tencentsim.CallSpec{CallID: "call-retried", RecordFault: &tencentsim.APIFault{Code: tencent.CodeInternal, Info: "down"}})
	reviewed := c.place(tencentsim.CallSpec{CallID: "call-retry-review", Record: json.RawMessage(`{"AcceptTime":0}`)})
	missing := c.place(tencentsim.CallSpec{CallID: "call-retry-missing", RecordAfterSeconds: 3600})
	for call, stage := range map[*tencentsim.Call]workflows.Stage{&stuck: workflows.StageRecord, &reviewed: workflows.StageReview, &missing: workflows.StageReview} {
		c.awaitStage(*call, stage)
	}
	attempt := func() int {
		var found struct {
			Workflow struct {
				Pending []struct {
					Attempt       int
					NextAttemptAt time.Time `json:"next_attempt_at"`
				}
			}
		}
		code := c.json(&found, nil, "call", "call-retried")
		if p := found.Workflow.Pending; code == cli.OK && len(p) == 1 && !p[0].NextAttemptAt.IsZero() {
			return p[0].Attempt
		}
		return 0
	}
	require.Eventually(c.t, func() bool { return attempt() >= 4 }, testTimeout, 100*time.Millisecond)

	var result struct {
		Retried, Failed int
		NotRetried      int `json:"not_retried"`
		Calls           []struct {
			CallID    string `json:"call_id"`
			Outcome   string
			Steps     []string
			Rechecked bool
		}
	}
	outcomes := func() map[string]string {
		all := map[string]string{}
		for _, call := range result.Calls {
			all[call.CallID] = call.Outcome
		}
		return all
	}
	require.Eventually(c.t, func() bool {
		return c.json(&result, nil, "waiting", "retry", "--all", "--reason", "101001 (DOWN)", "--dry-run") == cli.OK && outcomes()["call-retried"] == "would_retry"
	}, testTimeout, 100*time.Millisecond)
	require.NotContains(c.t, outcomes(), "call-retry-review", "waits for another reason")

	require.Eventually(c.t, func() bool {
		o := c.run("waiting", "retry", "call-retried")
		return o.code == cli.OK && strings.Contains(o.stdout, "Retried 1 of 1 calls.\n")
	}, testTimeout, 50*time.Millisecond, "an attempt is under way for a moment")
	require.Eventually(c.t, func() bool { n := attempt(); return n > 0 && n < 4 }, testTimeout, 20*time.Millisecond, "the attempts are counted anew")

	o := c.run("waiting", "retry", "call-retry-review")
	require.Equal(c.t, cli.Refused, o.code)
	require.Contains(c.t, o.stderr, "call call-retry-review was not retried: it waits for a person's decision: see aftercall review list\n")
	require.Equal(c.t, cli.OK, c.json(&result, nil, "waiting", "retry", "call-retry-missing"))
	require.True(c.t, result.Calls[0].Rechecked)
	require.Eventually(c.t, func() bool {
		var found struct {
			Workflow struct{ Status workflows.Status }
		}
		return c.json(&found, nil, "call", "call-retry-missing") == cli.OK && found.Workflow.Status.Review.Rechecks > 0
	}, testTimeout, 100*time.Millisecond)

	require.Equal(c.t, cli.NotFound, c.run("waiting", "retry", "call-nowhere").code)
	c.follow(c.place(tencentsim.CallSpec{CallID: "call-retry-done"}))
	o = c.run("waiting", "retry", "call-retry-done")
	require.Equal(c.t, cli.Refused, o.code)
	require.Contains(c.t, o.stderr, "call call-retry-done of clinic does not wait: done: charge of ")
	require.Equal(c.t, cli.OK, c.json(&result, nil, "waiting", "retry", "--all", "--app", "tutoring"))
	require.Empty(c.t, result.Calls)
	require.Eventually(c.t, func() bool { return c.run("waiting", "retry", "--all", "--app", "clinic").code == cli.OK }, testTimeout, 100*time.Millisecond)
}

// testFollow follows calls to their end: one that is charged, one that waits for a
// decision until a person decides, one whose target refuses, and one for too short a time.
func (c console) testFollow() {
	c.place(tencentsim.CallSpec{CallID: "call-followed"})
	require.Eventually(c.t, func() bool { return c.run("call", "call-followed").code == cli.OK }, testTimeout, 50*time.Millisecond)
	o := c.run("call", "call-followed", "--follow", "--timeout", "1m")
	require.Equal(c.t, cli.OK, o.code, o.stderr)
	require.Contains(c.t, o.stdout, "Status    done: charge of 0.24 USD for 120 s\n")
	require.Regexp(c.t, `(?s)stage done since TIME\n$`, o.stderr)

	waits := c.place(tencentsim.CallSpec{CallID: "call-follow-review", Record: json.RawMessage(`{"AcceptTime":0}`)})
	c.awaitStage(waits, workflows.StageReview)
	o = c.run("call", "call-follow-review", "--follow", "--timeout", "1500ms")
	require.Equal(c.t, cli.Failed, o.code)
	require.Contains(c.t, o.stderr, "aftercall: stopped following call call-follow-review: it is not done: waits for a person's decision since TIME: ")
	require.Contains(c.t, o.stderr, "→ the call goes on; the same command follows it again\n")
	require.Contains(c.t, o.stdout, "Ledger    no entry\n", "what is known")

	var stages testenv.Log
	followed := make(chan output, 1)
	go func() {
		followed <- c.in(c.ctx, nil, &stages, "call", "call-follow-review", "--follow", "--output", "json")
	}()
	require.Eventually(c.t, func() bool { return strings.Contains(stages.String(), "stage review since ") }, testTimeout, 50*time.Millisecond)
	require.Equal(c.t, cli.OK, c.run("review", "decide", "call-follow-review", "--verdict", "waive", "--operator", "alice", "--reason", "test").code)
	o = <-followed
	require.Equal(c.t, cli.OK, o.code, o.stderr)
	require.Regexp(c.t, `^stage review since TIME, waits for a decision: needs review: .*\n(?s:.*)stage done since TIME\n$`, o.stderr)
	require.True(c.t, json.Valid([]byte(o.stdout)), "the stages are not in it: %s", o.stdout)

	require.Equal(c.t, cli.NotFound, c.run("call", "call-nowhere", "--follow").code, "is not waited for")
	o = c.with(temporalDown, "call", "call-followed", "--follow", "--timeout", "2s")
	require.Equal(c.t, cli.Incomplete, o.code)
	require.Contains(c.t, o.stderr, "aftercall: stopped following call call-followed: ")
}

func (c console) testCallWithPartsDown() {
	o := c.with(redisDown, "call", "call-twice", "--app", "clinic")
	require.Equal(c.t, cli.Incomplete, o.code)
	require.Contains(c.t, o.stdout, "Redis     does not answer\n")
	require.Contains(c.t, o.stdout, "Status    done: charge of 0.24 USD")
	require.Contains(c.t, o.stderr, "aftercall: this is not all: Redis does not answer: ")
	require.Contains(c.t, o.stderr, "→ aftercall check says what is wrong\n")

	o = c.with(temporalDown, "call", "call-twice", "--app", "clinic")
	require.Equal(c.t, cli.Incomplete, o.code)
	require.Contains(c.t, o.stdout, "Workflow  Temporal does not answer\n")
	require.Contains(c.t, o.stdout, "          charge:1400000000:call-twice")

	o = c.with(noLedger, "call", "call-reviewed")
	require.Equal(c.t, cli.Incomplete, o.code)
	require.Contains(c.t, o.stdout, "Ledger    does not answer\n")
	require.Contains(c.t, o.stdout, "Status    waits for a person's decision")

	o = c.with(temporalDown, "call", "call-unknown")
	require.Equal(c.t, cli.Incomplete, o.code, "who does not answer may know it")
	require.Contains(c.t, o.stderr, "no system that answers knows the call call-unknown; but Temporal does not answer")
}

// testRecordDeadline has the record API down for longer than record_deadline, and
// then without a record: the deadline counts from its first answer.
func (c console) testRecordDeadline() {
	before := c.stack.Tencent.Stats().API(clinicID, tencentsim.APIRecordByCallID)
	call := c.place(tencentsim.CallSpec{
		CallID: "call-deadline", RecordAfterSeconds: 3600, RecordFault: &tencentsim.APIFault{Code: tencent.CodeInternal, Times: 2},
	})
	c.awaitStage(call, workflows.StageReview)
	require.Contains(c.t, c.run("call", "call-deadline").stdout, "no record of this call until the record deadline")
	answers := c.stack.Tencent.Stats().API(clinicID, tencentsim.APIRecordByCallID).Requests - before.Requests
	require.GreaterOrEqual(c.t, answers, 4, "two failures, a first answer, and one after the deadline")
}

func (c console) testStart() {
	call := c.place(tencentsim.CallSpec{CallID: "call-lost", Lose: true})
	require.Contains(c.t, c.run("start", "call-lost", "--app", "clinic", "--dry-run").stdout, "Outcome  would be started\n")
	require.Equal(c.t, cli.NotFound, c.run("call", "call-lost").code)
	o := c.run("start", "call-lost", "--app", "clinic")
	require.Equal(c.t, output{cli.OK, `Call      call-lost of clinic (1400000000)
Outcome   started
Workflow  call:1400000000:call-lost
          http://HOST/namespaces/default/workflows/call:1400000000:call-lost
`, ""}, o)
	require.Equal(c.t, workflows.SourceManual, c.follow(call).Source)
	o = c.run("start", "call-lost", "--app", "clinic")
	require.Equal(c.t, output{cli.OK, `Call     call-lost of clinic (1400000000)
Outcome  nothing to do: the call is in the ledger, 0.24 USD for 120 s
`, ""}, o)
	require.NoError(c.t, c.stack.Forget(c.ctx, call))
	require.Contains(c.t, c.run("start", "call-lost", "--app", "clinic").stdout, "the call is in the ledger")
	require.Len(c.t, c.entries(call), 1)
	require.Equal(c.t, 1, c.stack.Arrivals("crm", "call-lost"))

	var report struct {
		Outcome      string
		BeforeGoLive bool `json:"before_go_live"`
	}
	require.Equal(c.t, cli.OK, c.json(&report, nil, "start", "call-reviewed", "--app", "clinic"))
	require.Equal(c.t, "has_workflow", report.Outcome)

	early := c.place(tencentsim.CallSpec{CallID: "call-early", SDKAppID: tutoringID, EndedAgoSeconds: 7200, Lose: true})
	require.Equal(c.t, cli.OK, c.json(&report, nil, "start", "call-early", "--app", "tutoring"))
	require.Equal(c.t, "started", report.Outcome)
	require.True(c.t, report.BeforeGoLive, "go_live does not bind an operator")
	c.follow(early)
	require.Len(c.t, c.entries(early), 1)
}

// testStartSeen starts a call of which there is neither a callback about its end nor a
// record, and decides about it.
func (c console) testStartSeen() {
	o := c.run("callback", "set", "--app", "seminar", "--commands", "Call.CallbackAfterStartCall,Call.CallbackAfterMemberChanged")
	require.Equal(c.t, cli.OK, o.code, o.stderr)
	call := c.place(tencentsim.CallSpec{CallID: "call-seen", SDKAppID: seminarID, RoomID: "room-seen", NoRecord: true, EndedAgoSeconds: 180})
	require.NoError(c.t, c.stack.Tencent.Wait(c.ctx))
	require.Equal(c.t, cli.OK, c.run("callback", "set", "--app", "seminar").code)
	now := time.Now().UTC()
	audit := []string{"audit", "--app", "seminar", "--from", now.Add(-time.Hour).Format(time.RFC3339), "--to", now.Format(time.RFC3339)}
	require.Regexp(c.t, `room-seen +2 +call-seen\n`, c.run(audit...).stdout)

	o = c.run("start", "call-seen", "--app", "seminar")
	require.Equal(c.t, cli.NotFound, o.code)
	require.Contains(c.t, o.stderr, "if the call was seen, --without-record lets a person decide about it\n")
	o = c.run("start", "call-seen", "--app", "seminar", "--without-record", "--dry-run")
	require.Contains(c.t, o.stdout, "Outcome  would be started\n", o.stderr)
	o = c.run("start", "call-seen", "--app", "seminar", "--without-record")
	require.Contains(c.t, o.stdout, "Outcome   started\n", o.stderr)
	require.Equal(c.t, "note: Tencent has no record of the call: if none comes within DURATION, a person decides\n", o.stderr)
	c.awaitStage(call, workflows.StageReview)
	require.Contains(c.t, c.run("call", "call-seen").stdout, "claimed by callbacks, not confirmed by Tencent: caller unknown · Unknown · group of 2 · 1:01 connected · Unknown\n")

	decide := []string{
		"review", "decide", "call-seen", "--verdict", "charge-as", "--connected-seconds", "61", "--media", "Audio", "--call-type", "SingleCall",
		"--operator", "alice", "--reason", "the room was in use",
	}
	require.Contains(c.t, c.run(decide...).stderr, "payer: is missing")
	o = c.run(append(decide, "--payer", call.Record.Caller)...)
	require.Contains(c.t, o.stdout, "Decided: charged, ", o.stderr)
	entries := c.entries(call)
	require.Len(c.t, entries, 1)
	booked := entries[0].Record
	require.Equal(c.t, []any{call.Record.RoomID, 2, call.Record.StartTime, call.Record.EndTime}, []any{booked.RoomID, booked.RoomIDType, booked.StartTime, booked.EndTime})
	require.ElementsMatch(c.t, call.Record.Members, booked.Members)
	require.NotContains(c.t, c.run(audit...).stdout, "room-seen")
}

func (c console) testStartRefuses() {
	for name, tt := range map[string]struct {
		change map[string]string
		args   []string
		code   int
		want   string
	}{
		"unknown":       {nil, []string{"no-such-call", "--app", "clinic"}, cli.NotFound, "clinic: Tencent has no record of this call\n  → records exist from five seconds to seven days after the end"},
		"never seen":    {nil, []string{"no-such-call", "--app", "seminar", "--without-record"}, cli.NotFound, "seminar: Tencent has no record of this call, and nothing was seen of it"},
		"wrong keys":    {wrongKeys, []string{"no-such-call", "--app", "clinic"}, cli.Failed, "70009"},
		"no app":        {nil, []string{"no-such-call"}, cli.Usage, "name one with --app"},
		"wrong app":     {nil, []string{"no-such-call", "--app", "x"}, cli.Usage, `there is no app "x"`},
		"nothing":       {nil, nil, cli.Usage, "<CALLID>"},
		"temporal down": {temporalDown, []string{"call-second", "--app", "clinic"}, cli.Failed, "Temporal does not answer"},
	} {
		if name == "temporal down" {
			c.place(tencentsim.CallSpec{CallID: "call-second", Lose: true})
		}
		o := c.with(tt.change, append([]string{"start"}, tt.args...)...)
		require.Equal(c.t, tt.code, o.code, name)
		require.Contains(c.t, o.stderr, tt.want, name)
		require.Empty(c.t, o.stdout, name)
	}
	// Without the ledger and Redis the worker still sees to it that nothing is charged twice.
	o := c.with(noLedger, "start", "call-second", "--app", "clinic")
	require.Equal(c.t, cli.OK, o.code)
	require.Contains(c.t, o.stderr, "note: cannot look whether the call is in the ledger")
	require.Contains(c.t, o.stdout, "Outcome   started\n")
}
