package statement

import (
	"strconv"
	"strings"
	"time"

	"aftercall/internal/ledger"
)

// csvColumns are the columns of a statement. New ones are added at the end; none is
// renamed, moved or removed.
var csvColumns = []string{
	"payer", "month", "sdk_app_id", "app", "call_id", "media_type", "call_type", "result", "start_time", "accept_time", "end_time",
	"key", "kind", "revision", "booked_at", "connected_seconds", "billed_seconds", "amount", "currency", "explanation", "reason",
}

// csvLayout writes a row for each entry, for spreadsheets. The sum of its amounts is
// the total, which therefore is no row.
type csvLayout struct {
	out  *ledger.CSV
	head Head
}

func (l *csvLayout) begin(Head) error { return l.out.Write(csvColumns...) }

func (l *csvLayout) call(c Call) error {
	for _, e := range c {
		r := e.Record
		err := l.out.Write(
			ledger.Cell(l.head.Payer), l.head.Month, e.SDKAppID.String(), ledger.Cell(e.App), ledger.Cell(r.CallID),
			ledger.Cell(string(r.MediaType)), ledger.Cell(string(r.CallType)), ledger.Cell(string(r.Result)),
			l.time(r.StartTime), l.time(r.AcceptTime), l.time(r.EndTime),
			ledger.Cell(e.Key), string(e.Kind), strconv.Itoa(e.Revision), e.CreatedAt.In(l.head.zone()).Format(time.RFC3339),
			strconv.FormatInt(e.Charge.ConnectedSeconds, 10), strconv.FormatInt(e.Charge.BilledSeconds, 10),
			e.Charge.Amount.Number(), e.Charge.Amount.CurrencyCode(), ledger.Cell(strings.Join(stepTexts(e), "; ")), ledger.Cell(e.Reason),
		)
		if err != nil {
			return err
		}
	}
	return nil
}

func (l *csvLayout) end([]ledger.Total) error { return l.out.Flush() }

// time is a time of a record with the offset of the zone; empty for 0, which means
// never.
func (l *csvLayout) time(unix int64) string {
	if unix == 0 {
		return ""
	}
	return time.Unix(unix, 0).In(l.head.zone()).Format(time.RFC3339)
}

// stepTexts are the texts of the steps as they are stored, with accounts.
func stepTexts(e ledger.Entry) []string {
	texts := make([]string, len(e.Charge.Steps))
	for i, s := range e.Charge.Steps {
		texts[i] = s.NamedText()
	}
	return texts
}
