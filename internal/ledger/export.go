package ledger

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"strconv"
	"strings"
	"time"
)

// exportColumns are the columns of the export. New ones are added at the end; none
// is renamed, moved or removed.
var exportColumns = []string{
	"seq", "key", "kind", "revision", "reverses", "booked_at", "sdk_app_id", "app", "call_id", "payer",
	"media_type", "call_type", "result", "start_time", "accept_time", "end_time",
	"connected_seconds", "billed_seconds", "participants", "amount", "currency",
	"tariff", "tariff_effective_from", "tariff_hash", "workflow_id", "first_run_id", "operator", "reason", "members",
	"member_seconds",
}

// Export writes entries as CSV (RFC 4180) with a header, one at a time, and returns
// how many. Amounts are the decimal text of the ledger, times are in UTC, and text is
// a Cell. The first error of entries or w ends the export.
func Export(w io.Writer, entries iter.Seq2[Entry, error]) (n int, err error) {
	out := NewCSV(w)
	if err := out.Write(exportColumns...); err != nil {
		return 0, fmt.Errorf("export: %w", err)
	}
	for e, err := range entries {
		if err != nil {
			return n, err
		}
		if err := out.Write(exportRow(e)...); err != nil {
			return n, fmt.Errorf("export: %w", err)
		}
		n++
	}
	if err := out.Flush(); err != nil {
		return n, fmt.Errorf("export: %w", err)
	}
	return n, nil
}

func exportRow(e Entry) []string {
	r, c := e.Record, e.Charge
	return []string{
		strconv.FormatInt(e.Seq, 10), Cell(e.Key), string(e.Kind), strconv.Itoa(e.Revision), Cell(e.Reverses),
		e.CreatedAt.UTC().Format("2006-01-02T15:04:05.000Z"), e.SDKAppID.String(), Cell(e.App), Cell(r.CallID), Cell(e.Payer()),
		Cell(string(r.MediaType)), Cell(string(r.CallType)), Cell(string(r.Result)), utc(r.StartTime), utc(r.AcceptTime), utc(r.EndTime),
		strconv.FormatInt(c.ConnectedSeconds, 10), strconv.FormatInt(c.BilledSeconds, 10), strconv.Itoa(c.Participants),
		c.Amount.Number(), c.Amount.CurrencyCode(),
		Cell(c.Tariff.Name), c.Tariff.EffectiveFrom.UTC().Format(time.RFC3339), c.Tariff.Hash,
		Cell(e.WorkflowID), e.FirstRunID, Cell(e.Operator), Cell(e.Reason), jsonCell(append([]string{}, r.Members...)),
		jsonCell(c.MemberSeconds()),
	}
}

// jsonCell is a list or map of accounts in one cell. They may contain any separator.
func jsonCell(value any) string {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(value) // texts and numbers in memory: neither can fail
	return strings.TrimSuffix(b.String(), "\n")
}

// utc is a time of a record, given in Unix seconds; empty for 0, which means never.
func utc(unix int64) string {
	if unix == 0 {
		return ""
	}
	return time.Unix(unix, 0).UTC().Format(time.RFC3339)
}
