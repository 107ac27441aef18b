package workflows

import (
	"fmt"
	"strings"
	"time"

	"aftercall/internal/tencent"
)

// summarize is the one line that the Web UI shows of a call. It names nobody.
func summarize(r tencent.CallRecord) string {
	who := "one to one"
	if r.CallType != tencent.CallTypeSingle {
		who = fmt.Sprintf("group of %d", len(r.Members))
	}
	connected := "not connected"
	if r.Connected() {
		connected = clock(r.ConnectedSeconds()) + " connected"
	}
	return strings.Join([]string{known(r.MediaType), who, connected, known(r.Result)}, " · ")
}

// details is what was known of the call at the start, as a table for the Web UI.
func details(source Source, r tencent.CallRecord) string {
	return "What the " + string(source) + " said (the record decides):\n\n" + table([][2]string{
		{"CallId", "`" + strings.ReplaceAll(r.CallID, "`", "'") + "`"},
		{"Media", known(r.MediaType)},
		{"Type", known(r.CallType)},
		{"Result", known(r.Result)},
		{"Started", instant(r.StartTime)},
		{"Accepted", instant(r.AcceptTime)},
		{"Ended", instant(r.EndTime)},
	})
}

func table(rows [][2]string) string {
	var b strings.Builder
	b.WriteString("| | |\n|---|---|\n")
	for _, row := range rows {
		fmt.Fprintf(&b, "| %s | %s |\n", cell(row[0]), cell(row[1]))
	}
	return b.String()
}

var cellEscape = strings.NewReplacer("|", "\\|", "\n", " ", "\r", " ")

// cell keeps text from breaking out of its table cell.
func cell(s string) string { return cellEscape.Replace(s) }

// clock shows seconds as m:ss or h:mm:ss.
func clock(seconds int64) string {
	if seconds >= 3600 {
		return fmt.Sprintf("%d:%02d:%02d", seconds/3600, seconds/60%60, seconds%60)
	}
	return fmt.Sprintf("%d:%02d", seconds/60, seconds%60)
}

// instant shows Unix seconds in UTC; Tencent's 0 means never.
func instant(unix int64) string {
	if unix == 0 {
		return "never"
	}
	return time.Unix(unix, 0).UTC().Format("2006-01-02 15:04:05 UTC")
}
