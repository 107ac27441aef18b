package workflows

import (
	"fmt"
	"strings"
	"time"

	"aftercall/internal/tencent"
)

// summarize is the one line that the Web UI shows of a call. It contains no account.
func summarize(r tencent.CallRecord) string {
	parties := "one to one"
	if r.CallType != tencent.CallTypeSingle {
		parties = fmt.Sprintf("group of %d", r.MemberCount())
	}
	connected := "not connected"
	if r.Connected() {
		connected = formatDuration(r.ConnectedSeconds()) + " connected"
	}
	return strings.Join([]string{documentedOrUnknown(r.MediaType), parties, connected, documentedOrUnknown(r.Result)}, " · ")
}

// details is the hint that the workflow was started with, as a table for the Web UI.
func details(source Source, r tencent.CallRecord) string {
	return "What the " + string(source) + " said (the record decides):\n\n" + table([][2]string{
		{"CallId", codeSpan(r.CallID)},
		{"Media", documentedOrUnknown(r.MediaType)},
		{"Type", documentedOrUnknown(r.CallType)},
		{"Result", documentedOrUnknown(r.Result)},
		{"Started", formatUnix(r.StartTime)},
		{"Accepted", formatUnix(r.AcceptTime)},
		{"Ended", formatUnix(r.EndTime)},
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

// codeSpan returns text as Markdown shows it unchanged: between more backticks
// than it has in a row.
func codeSpan(text string) string {
	fence := "`"
	for strings.Contains(text, fence) {
		fence += "`"
	}
	if len(fence) > 1 {
		text = " " + text + " " // Markdown drops these
	}
	return fence + text + fence
}

// markdownEscape escapes what Markdown takes for emphasis, code, a link, an image,
// HTML or an entity.
var markdownEscape = strings.NewReplacer(`\`, `\\`, "`", "\\`", "*", `\*`, "_", `\_`, "~", `\~`, "[", `\[`, "]", `\]`, "<", `\<`, ">", `\>`, "&", `\&`)

// plain returns text that Tencent, a target or a person wrote as Markdown shows it
// unchanged: an answer must not put a link or an image on the page of a call.
func plain(text string) string { return markdownEscape.Replace(text) }

var cellEscape = strings.NewReplacer("|", "\\|", "\n", " ", "\r", " ")

// cell keeps text from breaking out of its table cell.
func cell(s string) string { return cellEscape.Replace(s) }

// formatDuration formats seconds as m:ss or h:mm:ss.
func formatDuration(seconds int64) string {
	if seconds >= 3600 {
		return fmt.Sprintf("%d:%02d:%02d", seconds/3600, seconds/60%60, seconds%60)
	}
	return fmt.Sprintf("%d:%02d", seconds/60, seconds%60)
}

// formatUnix formats Unix seconds in UTC; Tencent's 0 means never.
func formatUnix(unix int64) string {
	if unix == 0 {
		return "never"
	}
	return time.Unix(unix, 0).UTC().Format("2006-01-02 15:04:05 UTC")
}

func formatTime(t time.Time) string { return formatUnix(t.Unix()) }
