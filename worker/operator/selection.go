package operator

import (
	"regexp"
	"time"
	_ "time/tzdata" // days of any zone, also on a machine without the database

	cli "aftercall/internal/oldcli"
	"aftercall/internal/ledger"
	"aftercall/internal/tencent"
)

// selection are the flags that choose entries.
type selection struct {
	App        string             `help:"Name or SDKAppID of an app." placeholder:"APP"`
	Call       string             `help:"CallId." placeholder:"CALLID"`
	Payer      string             `help:"Account that is charged: the caller." placeholder:"ACCOUNT"`
	From       string             `help:"Calls that ended then or later: a day, as in 2026-03-01, or an instant, as in 2026-03-01T12:00:00Z." placeholder:"WHEN"`
	To         string             `help:"Calls that ended before that instant, or until the end of that day." placeholder:"WHEN"`
	BookedFrom string             `help:"Entries that were booked then or later: corrections are booked after their call." placeholder:"WHEN"`
	BookedTo   string             `help:"Entries that were booked before that instant, or until the end of that day." placeholder:"WHEN"`
	Zone       string             `help:"Time zone of days, as in Asia/Shanghai." default:"UTC"`
	Result     tencent.CallResult `help:"CallResult, as in NormalEnd." placeholder:"RESULT"`
	Media      tencent.MediaType  `help:"Audio or Video." placeholder:"MEDIA"`
	Tariff     string             `help:"Tariff that the call was charged by." placeholder:"TARIFF"`
}

// filter reads the flags. zone is what days are of.
func (s selection) filter() (f ledger.Filter, zone *time.Location, err error) {
	zone, err = time.LoadLocation(s.Zone)
	if err != nil {
		return f, nil, cli.Errorf(cli.Usage, "write the name of a time zone, such as UTC, Asia/Shanghai or Europe/Berlin", "--zone: %q is not known", s.Zone)
	}
	f = ledger.Filter{CallID: s.Call, Payer: s.Payer, Result: s.Result, Media: s.Media, Tariff: s.Tariff}
	if id, err := tencent.ParseSDKAppID(s.App); err == nil {
		f.SDKAppID = id
	} else {
		f.App = s.App
	}
	for _, bounds := range []struct {
		name             string
		fromText, toText string
		from, to         *time.Time
	}{{"", s.From, s.To, &f.From, &f.To}, {"booked-", s.BookedFrom, s.BookedTo, &f.BookedFrom, &f.BookedTo}} {
		if *bounds.from, err = moment("--"+bounds.name+"from", bounds.fromText, zone, false); err != nil {
			return f, nil, err
		}
		if *bounds.to, err = moment("--"+bounds.name+"to", bounds.toText, zone, true); err != nil {
			return f, nil, err
		}
		if !bounds.from.IsZero() && !bounds.to.IsZero() && !bounds.from.Before(*bounds.to) {
			return f, nil, cli.Errorf(cli.Usage, "", "--%sto %s is not after --%sfrom %s, so nothing can lie between them", bounds.name, bounds.toText, bounds.name, bounds.fromText)
		}
	}
	return f, zone, nil
}

var dayPattern = regexp.MustCompile(`^\d{4}-\d{2}-\d{2}$`)

// moment reads an instant, or a day: its beginning, or its end, which is the
// beginning of the next one.
func moment(flag, text string, zone *time.Location, end bool) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if dayPattern.MatchString(text) {
		day, err := time.ParseInLocation(time.DateOnly, text, zone)
		if err != nil {
			return time.Time{}, cli.Errorf(cli.Usage, "", "%s: there is no day %s", flag, text)
		}
		if end {
			day = day.AddDate(0, 0, 1)
		}
		return day, nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}, cli.Errorf(cli.Usage, "write a day, as in 2026-03-01, which is one of --zone, or an instant with its zone, as in 2026-03-01T12:00:00+08:00",
			"%s: %q is neither a day nor an instant", flag, text)
	}
	return at, nil
}

// correction are the flags of who corrects the ledger and why.
type correction struct {
	Reason   string `help:"Why; it is kept in the ledger and told to the targets." placeholder:"TEXT"`
	Operator string `help:"Who you are; it is kept in the ledger and told to the targets." placeholder:"NAME"`
}
