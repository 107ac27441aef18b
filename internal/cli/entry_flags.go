package cli

import (
	"time"

	"aftercall/internal/ledger"
	"aftercall/internal/ops"
	"aftercall/internal/tencent"
)

// queryFlags select ledger entries.
type queryFlags struct {
	App        string             `help:"Name or SDKAppID of an app." placeholder:"APP"`
	Call       string             `help:"CallId." placeholder:"CALLID"`
	Payer      string             `help:"Account that is charged: the caller, unless the app has another payer." placeholder:"ACCOUNT"`
	From       string             `help:"Calls that ended at this time or later: a day, as in 2026-03-01, or a time, as in 2026-03-01T12:00:00Z." placeholder:"TIME"`
	To         string             `help:"Calls that ended before this time, or until the end of this day." placeholder:"TIME"`
	BookedFrom string             `help:"Entries that were booked at this time or later: corrections are booked after their call." placeholder:"TIME"`
	BookedTo   string             `help:"Entries that were booked before this time, or until the end of this day." placeholder:"TIME"`
	Zone       string             `help:"Time zone of days and of times without an offset, as in Asia/Shanghai." default:"UTC"`
	Result     tencent.CallResult `help:"CallResult, as in NormalEnd." placeholder:"RESULT"`
	Media      tencent.MediaType  `help:"Audio or Video." placeholder:"MEDIA"`
	Tariff     string             `help:"Tariff by which the call was charged." placeholder:"TARIFF"`
}

func (f queryFlags) query() ops.EntryQuery {
	return ops.EntryQuery{
		App: f.App, CallID: f.Call, Payer: f.Payer, Zone: f.Zone, Result: f.Result, Media: f.Media, Tariff: f.Tariff,
		Ended:  ops.Range{From: f.From, To: f.To, FromFlag: "--from", ToFlag: "--to"},
		Booked: ops.Range{From: f.BookedFrom, To: f.BookedTo, FromFlag: "--booked-from", ToFlag: "--booked-to"},
	}
}

// entryFlags are those of commands that print entries.
type entryFlags struct {
	queryFlags
	Kind     ledger.Kind `help:"charge, reversal or adjustment." enum:"charge,reversal,adjustment," default:"" placeholder:"KIND"`
	Operator string      `help:"Who corrected the charge or decided the review." placeholder:"NAME"`
	Live     bool        `help:"Only what counts: charges and adjustments that were not reversed."`
}

func (f entryFlags) query() ops.EntryQuery {
	q := f.queryFlags.query()
	q.Kind, q.Operator, q.Live = f.Kind, f.Operator, f.Live
	return q
}

// signatureFlags say who corrects the ledger or decides about a call, and why.
type signatureFlags struct {
	Operator string `help:"Your name. It is kept in the ledger and sent to the targets." placeholder:"NAME"`
	Reason   string `help:"The reason. It is kept in the ledger and sent to the targets." placeholder:"TEXT"`
}

func (f signatureFlags) signature() ops.Signature {
	return ops.Signature{Operator: f.Operator, Reason: f.Reason}
}

// dateTime is a time in UTC, in a table whose heading names the zone.
func dateTime(t time.Time) string { return t.UTC().Format(time.DateTime) }

// dateTimeUTC is a time with its zone.
func dateTimeUTC(t time.Time) string { return dateTime(t) + " UTC" }

// timeOrNever is a time with its zone; nil is never.
func timeOrNever(t *time.Time) string {
	if t == nil {
		return "never"
	}
	return dateTimeUTC(*t)
}
