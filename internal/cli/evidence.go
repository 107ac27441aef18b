package cli

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"time"

	"aftercall/internal/ops"
)

type evidenceCommands struct {
	List    evidenceListCommand    `cmd:"" help:"List the events of a call, or of a room."`
	Migrate evidenceMigrateCommand `cmd:"" help:"Create the tables of the evidence, or bring them up to date."`
}

type evidenceListCommand struct {
	ListFormat
	App      string `help:"Name or SDKAppID of the app; not needed if there is only one." placeholder:"APP"`
	Call     string `help:"CallId of the call." placeholder:"CALLID"`
	Room     string `help:"RoomId of a room, for a call that has no record." placeholder:"ROOM"`
	RoomType int    `help:"Type of the room: 1 for a digit room, 2 for a string room." enum:"1,2" default:"2" placeholder:"TYPE"`
	From     string `help:"Only events of the room from this day or time on (UTC)." placeholder:"DAY"`
	To       string `help:"Only events of the room up to this day, included, or before this time (UTC)." placeholder:"DAY"`
}

// Help explains by examples.
func (evidenceListCommand) Help() string {
	return `Who joined a call and left it, in the order in which it happened, by each of the two sources: callbacks about members,
which name the call, and webhooks of its room. The room is that of the record in the ledger or, for a call that is not there,
that of the callback about its start. Apps keep events only if their configuration says so: see docs/evidence.md.

Examples:

  aftercall evidence list --call 055662e1-bc8a-469c-a334-1126c8c17d58
  aftercall evidence list --app clinic --room consultation-1001 --from 2026-03-01T12:00 --to 2026-03-01T13:00 --output csv`
}

// Run prints the events.
func (c evidenceListCommand) Run(ctx context.Context, p Process, d *ops.Deps) error {
	events, err := d.Events(ctx, ops.EventQuery{
		App: c.App, CallID: c.Call, Room: c.Room, RoomType: c.RoomType,
		Range: ops.Range{From: c.From, To: c.To, FromFlag: "--from", ToFlag: "--to"},
	})
	if err != nil {
		return err
	}
	return c.Print(
		p, events,
		func(w io.Writer) error { return writeCSV(w, events, eventColumns) },
		func(s screen) {
			if len(events) == 0 {
				fmt.Fprintln(s, "No events.")
				return
			}
			writeTable(s, events, eventColumns)
		},
	)
}

// milliseconds is a time as Tencent gives it.
const milliseconds = "2006-01-02T15:04:05.000Z07:00"

var eventColumns = []column[ops.Event]{
	{key: "id", value: func(e ops.Event) string { return strconv.FormatInt(e.ID, 10) }, csvOnly: true},
	{
		key: "at", title: "at (UTC)", value: func(e ops.Event) string { return e.At.UTC().Format(milliseconds) },
		text: func(e ops.Event) string { return e.At.UTC().Format(time.DateTime + ".000") },
	},
	{key: "app", value: func(e ops.Event) string { return e.App }, csvOnly: true},
	{key: "sdk_app_id", value: func(e ops.Event) string { return e.SDKAppID.String() }, csvOnly: true},
	{key: "source", value: func(e ops.Event) string { return string(e.Source) }},
	{key: "kind", value: func(e ops.Event) string { return string(e.Kind) }},
	{key: "user", value: func(e ops.Event) string { return e.User }, foreign: true},
	{key: "detail", value: func(e ops.Event) string { return e.Detail }, foreign: true, drop: 1},
	{key: "call_id", value: func(e ops.Event) string { return e.CallID }, foreign: true, csvOnly: true},
	{key: "room_id", title: "room", value: func(e ops.Event) string { return string(e.RoomID) }, foreign: true, drop: 2},
	{key: "room_id_type", value: func(e ops.Event) string { return strconv.Itoa(e.RoomIDType) }, csvOnly: true},
}

type evidenceMigrateCommand struct{}

// Help explains by examples.
func (evidenceMigrateCommand) Help() string {
	return `Creates the tables of the evidence, or brings them up to date, as every starter does that keeps evidence. It is for a database
in which the starter's user has no right to do so: run this as the tables' owner before the starters of a new release start.
The tables are at evidence.url of the configuration or, without that, at LEDGER_URL. Repeating the command is safe.

Example:

  LEDGER_URL=postgres://aftercall_owner@db/aftercall aftercall evidence migrate`
}

// Run migrates.
func (evidenceMigrateCommand) Run(ctx context.Context, p Process, d *ops.Deps) error {
	if err := d.MigrateEvidence(ctx); err != nil {
		return err
	}
	_, err := fmt.Fprintln(p.Stdout, "The tables of the evidence are up to date.")
	return err
}
