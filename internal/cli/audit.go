package cli

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"aftercall/internal/audit"
	"aftercall/internal/ops"
)

type auditCommand struct {
	Format
	App  string `help:"Name or SDKAppID of the app; without it, all apps are compared whose rooms are received." placeholder:"APP"`
	From string `required:"" help:"Beginning of the time range: a day, as in 2026-03-01, or a time, as in 2026-03-01T12:00." placeholder:"TIME"`
	To   string `required:"" help:"Its end: a day, which is included, or a time." placeholder:"TIME"`
	Zone string `help:"Time zone of days, and of times without an offset, as in Asia/Shanghai." default:"UTC"`
}

// Help explains by examples.
func (auditCommand) Help() string {
	return `Finds calls without a record, which neither sweep nor verify can see: it lists when rooms were seen in use, by two members or
more at once, and neither the ledger nor Tencent has a record that explains it. What the webhooks of rooms said decides: an app
must receive them, see docs/evidence.md. A use belongs to the time in which the last member left the room. If the callback about
its start arrived, the call is named. Tencent is only asked where the ledger does not explain a room.

Nothing before evidence.retention, or more than seven days ago, can be compared, and nothing of the last two minutes. No account is
printed: aftercall evidence list prints those of a room. The exit code is 3 if a room was in use without a record, and 5 if Tencent
does not list its records.

Examples:

  aftercall audit --from 2026-03-01 --to 2026-03-01 --zone Asia/Shanghai
  aftercall audit --app clinic --from 2026-03-01T22:15 --to 2026-03-02T06:00 --output json | jq '.[].unexplained'`
}

// Run compares, and prints what no record explains.
func (c auditCommand) Run(ctx context.Context, p Process, d *ops.Deps) error {
	found, err := d.AuditRooms(ctx, c.App, ops.Range{From: c.From, To: c.To, FromFlag: "--from", ToFlag: "--to"}, c.Zone)
	if found == nil {
		return err
	}
	return errors.Join(c.Print(p, found, func(s screen) {
		for i, a := range found {
			if i > 0 {
				fmt.Fprintln(s)
			}
			writeRoomAudit(s, a)
		}
	}), err)
}

func writeRoomAudit(s screen, a ops.RoomAudit) {
	result := field{name: "Unexplained", value: "none", paint: s.green}
	if n := len(a.Unexplained); n > 0 {
		result.value, result.paint = fmt.Sprintf("%s, for %s", ops.Times(n), seconds(a.UnexplainedSeconds)), s.red
	}
	writePainted(
		s,
		field{name: "App", value: fmt.Sprintf("%s (%s)", a.App, a.SDKAppID)},
		field{name: "Compared", value: a.From.Format(time.RFC3339) + " to " + a.To.Format(time.RFC3339)},
		field{name: "In use", value: fmt.Sprintf("rooms %s, for %s", ops.Times(a.Uses), seconds(a.Seconds))},
		result,
	)
	if len(a.Unexplained) > 0 {
		fmt.Fprintln(s)
		writeTable(s, a.Unexplained, unexplainedColumns)
	}
}

var unexplainedColumns = []column[audit.Span]{
	{key: "from", title: "from (UTC)", value: func(u audit.Span) string { return u.From.Format(time.DateTime) }},
	{key: "to", title: "to (UTC)", value: func(u audit.Span) string { return u.To.Format(time.DateTime) }, drop: 1},
	{
		key: "seconds", title: "for", right: true,
		value: func(u audit.Span) string {
			if u.NeverLeft && u.Seconds == 0 {
				return "?" // none of the members was seen to leave
			}
			return seconds(u.Seconds)
		},
	},
	{key: "members", value: func(u audit.Span) string { return strconv.Itoa(u.Members) }, right: true, drop: 2},
	{key: "room_id", title: "room", value: func(u audit.Span) string { return string(u.ID) }},
	{key: "room_id_type", title: "type", value: func(u audit.Span) string { return strconv.Itoa(u.IDType) }, drop: 3},
	{key: "call_id", title: "call", value: func(u audit.Span) string { return u.CallID }},
}
