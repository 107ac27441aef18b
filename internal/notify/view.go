package notify

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/bojanz/currency"
)

// View is what the templates of a target see of an event: the same fields for all
// events; those that an event does not have are empty or 0. Control characters are
// replaced in every text, and what the channel would read as markup is escaped, so
// that an account's name cannot forge a line or mention everybody.
type View struct {
	Type     EventType `doc:"\"call.charged\" and so on"`
	Time     time.Time `doc:"when it happened"`
	App      string    `doc:"name of the app"`
	SDKAppID string    `doc:"SDKAppID of the app"`

	CallID    string        `doc:"CallId"`
	Caller    string        `doc:"account of the caller"`
	Payer     string        `doc:"account that pays: the caller, unless the app says otherwise; empty in call.review"`
	Members   []string      `doc:"accounts of all who were called, and of the caller"`
	Others    []string      `doc:"Members without the Caller"`
	More      int           `doc:"how many members there were besides Members, of a call with very many"`
	RoomID    string        `doc:"room"`
	Media     string        `doc:"Audio or Video"`
	CallType  string        `doc:"SingleCall or MultiCall"`
	Result    string        `doc:"NormalEnd and so on"`
	Started   time.Time     `doc:"when the call began to ring"`
	Accepted  time.Time     `doc:"when it was accepted; .Accepted.IsZero if it never was"`
	Ended     time.Time     `doc:"when it ended"`
	Connected time.Duration `doc:"how long it was connected; .Connected.Seconds is a number"`
	Billed    time.Duration `doc:"how much of it is billed"`

	Amount      string   `doc:"what was charged, formatted for currency and locale; negative in call.reversed; in call.adjusted the change"`
	Number      string   `doc:"the same as a plain decimal number"`
	Currency    string   `doc:"ISO 4217 code"`
	Tariff      string   `doc:"name of the tariff"`
	Explanation []string `doc:"how the amount was calculated, or why the call is reviewed, one step a line"`
	LedgerKey   string   `doc:"key of the ledger entry"`
	Revision    int      `doc:"number of the charge, 2 or more after a correction; 0 for the first charge"`
	Adjustment  int      `doc:"number of the adjustment, in call.adjusted"`
	Reverses    string   `doc:"key of the entry that was reversed"`
	Unconfirmed bool     `doc:"whether the call was only claimed by a callback, and not confirmed by Tencent"`
	Reason      string   `doc:"why a person corrected or adjusted the charge"`
	Operator    string   `doc:"who did"`

	Reviews int    `doc:"how many calls went to review, in review.burst"`
	Command string `doc:"the command that decides about all of them"`

	Listed    int       `doc:"calls that Tencent listed for a sweep"`
	Known     int       `doc:"those that were handled before"`
	Recovered int       `doc:"those whose callback was lost"`
	Failed    int       `doc:"those that could not be recovered"`
	Examples  []string  `doc:"some CallIds: of the recovered calls, or of those in review"`
	From      time.Time `doc:"beginning of the time range of the sweep or burst"`
	To        time.Time `doc:"end of the time range"`

	Origin     string `doc:"name of the ledger, in ledger.checkpoint"`
	Entries    uint64 `doc:"how many entries the log of the ledger held"`
	Root       string `doc:"root hash of their Merkle tree"`
	Checkpoint string `doc:"the checkpoint, in several lines"`
}

// format is how values are written for the readers of a target.
type format struct {
	money  *currency.Formatter
	zone   *time.Location
	escape func(string) string
}

// plain is the escape of a channel without markup.
func plain(s string) string { return s }

// text replaces control characters by spaces and escapes the rest.
func (f *format) text(s string) string {
	return f.escape(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' {
			return ' '
		}
		return r
	}, s))
}

func (f *format) texts(list []string) []string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = f.text(s)
	}
	return out
}

// second is a Unix time in the zone of the readers, zero for 0.
func (f *format) second(unix int64) time.Time {
	if unix == 0 {
		return time.Time{}
	}
	return time.Unix(unix, 0).In(f.zone)
}

// amount formats an amount of money; an empty number gives an empty text.
func (f *format) amount(number, code string) (string, error) {
	if number == "" {
		return "", nil
	}
	amount, err := currency.NewAmount(number, code)
	if err != nil {
		return "", fmt.Errorf("amount of the event: %w", err)
	}
	return f.money.Format(amount), nil
}

// view turns an event into what templates see.
func (f *format) view(e Event) (View, error) {
	v := View{Type: e.Type, Time: e.Timestamp.In(f.zone)}
	if b := e.Burst; b != nil {
		v.App, v.SDKAppID, v.Reviews, v.Command = f.text(b.App), b.SDKAppID.String(), b.Reviews, f.text(b.Command)
		v.Examples, v.From, v.To = f.texts(b.Examples), b.From.In(f.zone), b.To.In(f.zone)
	}
	if s := e.Sweep; s != nil {
		v.App, v.SDKAppID = f.text(s.App), s.SDKAppID.String()
		v.Listed, v.Known, v.Recovered, v.Failed = s.Listed, s.Known, s.Recovered, s.Failed
		v.Examples, v.From, v.To = f.texts(s.Examples), s.From.In(f.zone), s.To.In(f.zone)
	}
	if c := e.Checkpoint; c != nil {
		// The text is not foreign, and altered it would not be a checkpoint any more.
		v.Origin, v.Entries, v.Root, v.Checkpoint = f.text(c.Origin), c.Entries, c.Root, c.Text
	}
	c := e.Call
	if c == nil {
		return v, nil
	}
	amount, err := f.amount(c.Amount, c.Currency)
	if err != nil {
		return View{}, err
	}
	v.App, v.SDKAppID = f.text(c.App), c.SDKAppID.String()
	v.CallID, v.Caller, v.Members, v.RoomID = f.text(c.CallID), f.text(c.Caller), f.texts(c.Members), f.text(string(c.RoomID))
	if c.LedgerKey != "" {
		v.Payer = f.text(cmp.Or(c.Payer, c.Caller))
	}
	v.Others = slices.DeleteFunc(slices.Clone(v.Members), func(m string) bool { return m == v.Caller })
	v.More = max(c.MembersTotal-len(c.Members), 0)
	v.Media, v.CallType, v.Result = f.text(string(c.MediaType)), f.text(string(c.CallType)), f.text(string(c.Result))
	v.Started, v.Accepted, v.Ended = f.second(c.StartTime), f.second(c.AcceptTime), f.second(c.EndTime)
	v.Connected, v.Billed = time.Duration(c.ConnectedSeconds)*time.Second, time.Duration(c.BilledSeconds)*time.Second
	v.Amount, v.Number, v.Currency, v.Tariff = f.text(amount), c.Amount, c.Currency, f.text(c.Tariff)
	v.Explanation, v.LedgerKey = f.texts(c.Explanation), f.text(c.LedgerKey)
	v.Unconfirmed = c.Unconfirmed
	v.Revision, v.Adjustment = c.Revision, c.Adjustment
	v.Reverses, v.Reason, v.Operator = f.text(c.Reverses), f.text(c.Reason), f.text(c.Operator)
	return v, nil
}
