package statement

import (
	"bytes"
	"encoding/json"
	"io"
	"time"

	"aftercall/internal/ledger"
	"aftercall/internal/tencent"
)

// jsonHead is Head under stable names.
type jsonHead struct {
	Payer string    `json:"payer"`
	App   string    `json:"app,omitempty"`
	Month string    `json:"month"`
	Zone  string    `json:"zone"`
	From  time.Time `json:"from"`
	To    time.Time `json:"to"`
	AsOf  time.Time `json:"as_of"`
}

type jsonCall struct {
	SDKAppID   tencent.SDKAppID   `json:"sdk_app_id"`
	App        string             `json:"app"`
	CallID     string             `json:"call_id"`
	MediaType  tencent.MediaType  `json:"media_type"`
	CallType   tencent.CallType   `json:"call_type"`
	Result     tencent.CallResult `json:"result"`
	StartTime  *time.Time         `json:"start_time"`
	AcceptTime *time.Time         `json:"accept_time"`
	EndTime    *time.Time         `json:"end_time"`
	Entries    []jsonEntry        `json:"entries"`
}

type jsonEntry struct {
	Key              string      `json:"key"`
	Kind             ledger.Kind `json:"kind"`
	Revision         int         `json:"revision"`
	BookedAt         time.Time   `json:"booked_at"`
	ConnectedSeconds int64       `json:"connected_seconds"`
	BilledSeconds    int64       `json:"billed_seconds"`
	Amount           string      `json:"amount"`
	Currency         string      `json:"currency"`
	Explanation      []string    `json:"explanation"`
	Reason           string      `json:"reason"`
}

type jsonTotal struct {
	Currency         string `json:"currency"`
	Amount           string `json:"amount"`
	Charges          int64  `json:"charges"`
	Adjustments      int64  `json:"adjustments"`
	Reversals        int64  `json:"reversals"`
	ConnectedSeconds int64  `json:"connected_seconds"`
	BilledSeconds    int64  `json:"billed_seconds"`
}

// jsonLayout writes an object with a line for each call.
type jsonLayout struct {
	w     io.Writer
	head  Head
	calls int
}

func (l *jsonLayout) begin(h Head) error {
	text, err := encoded(jsonHead{h.Payer, h.App, h.Month, h.zone().String(), h.From, h.To, h.AsOf})
	if err != nil {
		return err
	}
	_, err = l.w.Write(append(bytes.TrimSuffix(text, []byte("}")), `,"calls":[`...))
	return err
}

func (l *jsonLayout) call(c Call) error {
	r := c[0].Record
	call := jsonCall{
		SDKAppID: c[0].SDKAppID, App: c[0].App, CallID: r.CallID, MediaType: r.MediaType, CallType: r.CallType, Result: r.Result,
		StartTime: l.time(r.StartTime), AcceptTime: l.time(r.AcceptTime), EndTime: l.time(r.EndTime),
	}
	for _, e := range c {
		call.Entries = append(call.Entries, jsonEntry{
			Key: e.Key, Kind: e.Kind, Revision: e.Revision, BookedAt: e.CreatedAt,
			ConnectedSeconds: e.Charge.ConnectedSeconds, BilledSeconds: e.Charge.BilledSeconds,
			Amount: e.Charge.Amount.Number(), Currency: e.Charge.Amount.CurrencyCode(), Explanation: stepTexts(e), Reason: e.Reason,
		})
	}
	text, err := encoded(call)
	if err != nil {
		return err
	}
	separator := "\n"
	if l.calls > 0 {
		separator = ",\n"
	}
	l.calls++
	_, err = l.w.Write(append([]byte(separator), text...))
	return err
}

func (l *jsonLayout) end(totals []ledger.Total) error {
	sums := make([]jsonTotal, len(totals))
	for i, t := range totals {
		sums[i] = jsonTotal{t.Currency, t.Amount.Number(), t.Charges, t.Adjustments, t.Reversals, t.ConnectedSeconds, t.BilledSeconds}
	}
	text, err := encoded(sums)
	if err != nil {
		return err
	}
	_, err = l.w.Write(append(append([]byte("\n],\"totals\":"), text...), "}\n"...))
	return err
}

// time is a time of a record with the offset of the zone; nil for 0, which means
// never.
func (l *jsonLayout) time(unix int64) *time.Time {
	if unix == 0 {
		return nil
	}
	t := time.Unix(unix, 0).In(l.head.zone())
	return &t
}

// encoded is v in one line, with foreign text as it is.
func encoded(v any) ([]byte, error) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(v)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}
