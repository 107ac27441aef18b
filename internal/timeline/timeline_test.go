package timeline_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/stretchr/testify/require"

	"aftercall/internal/attendance"
	"aftercall/internal/billing"
	"aftercall/internal/ledger"
	"aftercall/internal/tencent"
	"aftercall/internal/timeline"
)

var update = flag.Bool("update", false, "write the picture of docs/evidence.md")

const tariff = `
currency: USD
versions:
  - effective_from: 2025-01-01T00:00:00Z
    evidence: {use: earliest_leave, without: participant}
    rules:
      - {rate_per_minute: 0.60, first_interval: 30, next_interval: 6, per: participant_minute}
`

// acceptTime is 2026-03-01 12:00:08 UTC.
const acceptTime = 1772366408

// charged is a call of 120 s by what was seen of it.
func charged(t *testing.T, members []string, seen []attendance.Event) ledger.Entry {
	t.Helper()
	var configured billing.Tariff
	require.NoError(t, yaml.Unmarshal([]byte(tariff), &configured))
	r := tencent.CallRecord{
		CallID: "consultation-1001", Caller: members[0], Members: members, MediaType: tencent.MediaVideo, CallType: tencent.CallTypeMulti,
		Result: tencent.ResultNormalEnd, StartTime: acceptTime - 8, AcceptTime: acceptTime, EndTime: acceptTime + 120,
	}
	charge, err := billing.Rate(r, "seminars", configured, time.Unix(r.EndTime+6, 0), seen...)
	require.NoError(t, err)
	return ledger.Entry{Kind: ledger.KindCharge, Record: r, Charge: charge}
}

func seen(source attendance.Source, user string, kind attendance.Kind, after float64) attendance.Event {
	return attendance.Event{Source: source, User: user, Kind: kind, At: time.UnixMilli(acceptTime*1000 + int64(after*1000)).UTC()}
}

// example is the call of docs/evidence.md: nurse-21 was dropped and came back, and the
// callback was lost by which doctor-17 left half-way.
func example(t *testing.T) ledger.Entry {
	t.Helper()
	const callback, room = attendance.SourceCallback, attendance.SourceRoom
	return charged(t, []string{"patient-1001", "doctor-17", "nurse-21"}, []attendance.Event{
		seen(room, "patient-1001", attendance.Joined, -8), seen(room, "patient-1001", attendance.Left, 120), seen(callback, "patient-1001", attendance.Left, 120.2),
		seen(callback, "doctor-17", attendance.Joined, 0), seen(room, "doctor-17", attendance.Joined, 0.4), seen(room, "doctor-17", attendance.Left, 60.1),
		seen(callback, "nurse-21", attendance.Joined, 12), seen(room, "nurse-21", attendance.Joined, 12.3),
		seen(room, "nurse-21", attendance.Left, 48), seen(callback, "nurse-21", attendance.Dropped, 48.5),
		seen(room, "nurse-21", attendance.Joined, 75), seen(callback, "nurse-21", attendance.Joined, 75.2),
		seen(room, "nurse-21", attendance.Left, 119.8), seen(callback, "nurse-21", attendance.Left, 119.9),
	})
}

func draw(t *testing.T, e ledger.Entry) string {
	t.Helper()
	var out bytes.Buffer
	require.NoError(t, timeline.WriteSVG(&out, e))
	return out.String()
}

// texts checks that a picture is well-formed, and returns its texts.
func texts(t *testing.T, svg string) []string {
	t.Helper()
	decoder := xml.NewDecoder(strings.NewReader(svg))
	var all []string
	inText := false
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			return all
		}
		require.NoError(t, err)
		switch token := token.(type) {
		case xml.StartElement:
			require.NotEqual(t, "script", token.Name.Local)
			inText = token.Name.Local == "text"
		case xml.EndElement:
			inText = false
		case xml.CharData:
			if inText {
				all = append(all, string(token))
			}
		}
	}
}

// TestPictureOfTheDocumentation draws the picture of docs/evidence.md.
func TestPictureOfTheDocumentation(t *testing.T) {
	const path = "../../docs/images/evidence.svg"
	svg := draw(t, example(t))
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(svg), 0o644))
	}
	kept, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(kept), svg, "go test ./internal/timeline -update")
	page, err := os.ReadFile("../../docs/evidence.md")
	require.NoError(t, err)
	require.Contains(t, string(page), "(images/evidence.svg)")
}

func TestIntervals(t *testing.T) {
	e := example(t)
	found := texts(t, draw(t, e))
	require.Contains(t, found, "Call consultation-1001: 264 s of 3 members, 2.64 USD")
	for _, row := range []string{"patient-1001: 120 s, billed 120 s", "doctor-17: 59 s, billed 60 s", "nurse-21: 80 s, billed 84 s"} {
		require.Contains(t, found, row)
	}
	require.Contains(t, found, "12:00:30")
	require.Contains(t, found, "2026-03-01, UTC")
}

func TestNoIntervals(t *testing.T) {
	e := charged(t, []string{"a", "b"}, nil)
	require.ErrorIs(t, timeline.WriteSVG(io.Discard, e), timeline.ErrNoIntervals)
}

// TestOddCalls: accounts are foreign text, and there can be many of them.
func TestOddCalls(t *testing.T) {
	members := []string{"</text><script>alert(1)</script>", "控制\x00\x1b[31m\u202e", strings.Repeat("long", 20), "😀"}
	for i := range 200 {
		members = append(members, fmt.Sprint("user-", i))
	}
	events := make([]attendance.Event, len(members))
	for i, m := range members {
		events[i] = seen(attendance.SourceRoom, m, attendance.Joined, float64(i)/10)
	}
	found := texts(t, draw(t, charged(t, members, events)))
	require.Contains(t, found, "and 104 more members")
	require.NotContains(t, strings.Join(found, ""), "\u202e")
}

func TestLongCalls(t *testing.T) {
	for _, seconds := range []int64{1, 59, 3600, 86400, 30 * 86400} {
		e := example(t)
		e.Record.EndTime = e.Record.AcceptTime + seconds
		times := 0
		for _, text := range texts(t, draw(t, e)) {
			for _, format := range []string{time.TimeOnly, "2 Jan 15:04"} {
				if _, err := time.Parse(format, text); err == nil {
					times++
				}
			}
		}
		require.LessOrEqual(t, times, 9, seconds)
		require.Positive(t, times, seconds)
	}
}
