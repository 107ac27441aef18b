package scaling

import (
	"fmt"

	"github.com/jedib0t/go-pretty/v6/table"
)

const (
	// eventBytes are what an event takes in PostgreSQL with its indexes: docs/evidence.md.
	eventBytes = 310
	// eventDays are for how many days events are kept in the table: evidence.retention of
	// docs/evidence.md.
	eventDays = 90
)

// Evidence is what calls cost of which both sources are kept.
type Evidence struct {
	Members int64
	// Callbacks about members and webhooks of the room are posted for a call, Events kept
	// of it.
	Callbacks, Webhooks, Events int64
	// StoreBytes are held if one such call ends every second.
	StoreBytes int64
}

// EvidenceOf computes it for a call in which all members stay from its start, or from
// when they answer, until its end.
func EvidenceOf(members int64) Evidence {
	changes := (members - 1) + members // who was called answers, and all hang up
	webhooks := 2*members + 2          // all enter and leave a room that is created and dismissed
	events := members + changes + webhooks
	return Evidence{
		Members: members, Callbacks: 1 + changes, Webhooks: webhooks,
		Events:     events, // the callback about the start is one for each member
		StoreBytes: eventDays * secondsPerDay * events * eventBytes,
	}
}

// evidenceMembers are the calls of the table.
var evidenceMembers = []int64{2, 3, 5, 10}

// EvidenceTable is the table of what evidence costs.
func EvidenceTable() table.Writer {
	header := []any{"members of a call"}
	var all []Evidence
	for _, members := range evidenceMembers {
		header = append(header, thousands(members))
		all = append(all, EvidenceOf(members))
	}
	t := newTable(header...)
	figure := func(name string, value func(Evidence) string) { row(t, name, all, value) }
	figure("callbacks about members", func(e Evidence) string { return thousands(e.Callbacks) })
	figure("webhooks of its room", func(e Evidence) string { return thousands(e.Webhooks) })
	figure("events that are kept", func(e Evidence) string { return thousands(e.Events) })
	figure("bytes of a call", func(e Evidence) string { return bytes(e.Events * eventBytes) })
	figure(fmt.Sprintf("held at 1 call/s, for %d days", eventDays), func(e Evidence) string { return bytes(e.StoreBytes) })
	return t
}
