package activities

import (
	"strconv"

	"aftercall/internal/billing"
	"aftercall/internal/ledger"
	"aftercall/internal/ledgerlog"
	"aftercall/internal/notify"
)

// EventOf returns the event of a ledger entry and its message ID. Both are
// derived from the entry alone, so that they are the same whenever the event is
// sent. The message IDs of a call's entries differ.
func EventOf(e ledger.Entry) (event notify.Event, messageID string) {
	r, c := e.Record.FirstMembers(maxMembers), e.Charge
	data := &notify.CallData{
		App:              e.App,
		SDKAppID:         e.SDKAppID,
		CallID:           r.CallID,
		Caller:           r.Caller,
		Members:          r.Members,
		MembersTotal:     r.MembersTotal,
		RoomID:           r.RoomID,
		MediaType:        r.MediaType,
		CallType:         r.CallType,
		Result:           r.Result,
		StartTime:        r.StartTime,
		AcceptTime:       r.AcceptTime,
		EndTime:          r.EndTime,
		ConnectedSeconds: c.ConnectedSeconds,
		BilledSeconds:    c.BilledSeconds,
		Amount:           c.Amount.Number(),
		Currency:         c.Amount.CurrencyCode(),
		Tariff:           c.Tariff.Name,
		Explanation:      explain(c.Steps),
		LedgerKey:        e.Key,
		Reverses:         e.Reverses,
	}
	if payer := e.Payer(); payer != r.Caller {
		data.Payer = payer
	}
	if seconds := c.MemberSeconds(); len(seconds) > 0 && r.MembersTotal == 0 {
		data.MemberSeconds = seconds
	}
	kind := notify.EventCallCharged
	switch {
	case e.Adjusts():
		kind = notify.EventCallAdjusted
	case e.Kind == ledger.KindReversal:
		kind = notify.EventCallReversed
	case c.Free():
		kind = notify.EventCallFree
	}
	var further []string
	switch {
	case e.Adjusts():
		data.Adjustment = e.Revision
		further = []string{strconv.Itoa(e.Revision), string(e.Kind)}
	case e.Revision > 1:
		data.Revision = e.Revision
		further = []string{strconv.Itoa(e.Revision)}
	}
	if e.Correction() {
		data.Reason, data.Operator = e.Reason, e.Operator
	}
	return notify.Event{Type: kind, Version: notify.EventVersion, Timestamp: e.CreatedAt, Call: data},
		notify.MessageID(e.SDKAppID, r.CallID, kind, further...)
}

// CheckpointEvent returns the event of a checkpoint of the ledger and its message
// ID, which are the same whenever it is sent.
func CheckpointEvent(c ledgerlog.Issued) (event notify.Event, messageID string) {
	return notify.Event{
		Type: notify.EventLedgerCheckpoint, Version: notify.EventVersion, Timestamp: c.Time,
		Checkpoint: &notify.CheckpointData{Origin: c.Origin, Entries: c.Size, Root: c.Root.String(), Time: c.Time, Text: c.Text},
	}, notify.MessageID(0, c.Text, notify.EventLedgerCheckpoint)
}

// maxMemberSteps is how many steps about members an event has.
const maxMemberSteps = 50

// explain are the texts of the steps, which name no account: the Web UI shows them.
func explain(steps []billing.Step) []string {
	lines := make([]string, 0, len(steps))
	shown, more := 0, 0
	for _, s := range steps {
		ofMember := s.Member != nil || s.Disagreement != nil
		switch {
		case ofMember && shown == maxMemberSteps:
			more++
			continue
		case ofMember:
			shown++
		case more > 0:
			lines = append(lines, strconv.Itoa(more)+" more steps about members, which are in the ledger")
			more = 0
		}
		lines = append(lines, s.Text)
	}
	return lines
}
