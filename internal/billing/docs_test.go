package billing_test

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"aftercall/internal/attendance"
	"aftercall/internal/billing"
	"aftercall/internal/tencent"

	"github.com/goccy/go-yaml"
	"github.com/stretchr/testify/require"
)

// TestDocumentation executes the tariffs, sums and steps of docs/billing.md.
func TestDocumentation(t *testing.T) {
	text, err := os.ReadFile("../../docs/billing.md")
	require.NoError(t, err)
	var (
		rater *billing.Rater
		steps = map[string]bool{}
		sums  int
		paid  int
	)
	for rest := string(text); rest != ""; {
		var line string
		line, rest, _ = strings.Cut(rest, "\n")
		switch {
		case line == "```yaml":
			var block string
			block, rest, _ = strings.Cut(rest, "```\n")
			if strings.HasPrefix(block, "payer:") {
				rater = paidOfDocs(t, rater, block)
				continue
			}
			rater = raterOfDocs(t, block)
		case line == "```text":
			var block string
			block, rest, _ = strings.Cut(rest, "```\n")
			if strings.Contains(block, "\nno record: ") {
				_, charge, err := rater.RateUnrecorded(billing.UnrecordedEvidence, connected(61), readAt, witnessed()...)
				require.NoError(t, err)
				steps[stepsOfDocs(charge)] = true
			}
			require.Contains(t, steps, block)
		case strings.HasPrefix(line, "| ") && !strings.HasPrefix(line, "| call"):
			cells := strings.Split(strings.Trim(line, "| "), " | ")
			if len(cells) == 4 {
				payerOfDocs(t, rater, cells)
				paid++
				continue
			}
			require.Len(t, cells, 3, line)
			steps[sumOfDocs(t, rater, cells)] = true
			sums++
		}
	}
	require.Equal(t, 31, sums)
	require.Equal(t, 5, paid)
}

// paidOfDocs is the rater with the payer of an app.
func paidOfDocs(t *testing.T, rater *billing.Rater, block string) *billing.Rater {
	t.Helper()
	var app struct{ Payer billing.Payers }
	require.NoError(t, yaml.UnmarshalWithOptions([]byte(block), &app, yaml.Strict()))
	require.Empty(t, app.Payer.Validate())
	rater, err := rater.PaidBy(app.Payer)
	require.NoError(t, err)
	return rater
}

// payerOfDocs checks a line of a table with caller, callees, room, and who pays.
func payerOfDocs(t *testing.T, rater *billing.Rater, cells []string) {
	t.Helper()
	record := connected(61)
	record.Caller, record.Members, record.RoomID = cells[0], strings.Split(cells[1], ", "), tencent.RoomID(cells[2])
	charge, err := rater.Rate(record, readAt)
	if cells[3] == "review" {
		var review *billing.ReviewError
		require.ErrorAs(t, err, &review, cells)
		return
	}
	require.NoError(t, err, cells)
	require.Equal(t, cells[3], payerOf(charge, record), cells)
}

// raterOfDocs reads a tariff, or an assignment with its tariffs.
func raterOfDocs(t *testing.T, block string) *billing.Rater {
	t.Helper()
	var file struct {
		Tariff  billing.Assignments
		Tariffs map[string]billing.Tariff
	}
	if strings.HasPrefix(block, "tariff:") {
		require.NoError(t, yaml.UnmarshalWithOptions([]byte(block), &file, yaml.Strict()))
	} else {
		var tariff billing.Tariff
		require.NoError(t, yaml.UnmarshalWithOptions([]byte(block), &tariff, yaml.Strict()))
		file.Tariff, file.Tariffs = billing.Assignments{{Name: "example"}}, map[string]billing.Tariff{"example": tariff}
	}
	rater, err := billing.NewAssignedRater(file.Tariff, file.Tariffs)
	require.NoError(t, err)
	return rater
}

// sumOfDocs checks one line of a table and returns the steps of its sum.
func sumOfDocs(t *testing.T, rater *billing.Rater, cells []string) string {
	t.Helper()
	record, seen := callOfDocs(t, cells[0])
	charge, err := rater.Rate(record, readAt, seen...)
	if cells[1] == "review" {
		var review *billing.ReviewError
		require.ErrorAs(t, err, &review, cells[0])
		require.Equal(t, "review", cells[2])
		return ""
	}
	require.NoError(t, err, cells[0])
	require.Equal(t, cells[1], fmt.Sprintf("%d s", charge.BilledSeconds), cells[0])
	require.Equal(t, cells[2], charge.Amount.String(), cells[0])
	return stepsOfDocs(charge)
}

func stepsOfDocs(charge billing.Charge) string {
	var lines strings.Builder
	for _, step := range charge.Steps {
		lines.WriteString(step.Text + "\n")
	}
	return lines.String()
}

// callOfDocs makes a record of words such as "video, group of 4, 31 s, Offline", and what
// was seen of it, as in "user1 joined 0 left 20" or "room: user1 joined 0 left 20".
func callOfDocs(t *testing.T, words string) (record tencent.CallRecord, seen []attendance.Event) {
	t.Helper()
	record = connected(0)
	var turns []string
	seconds := int64(0)
	for word := range strings.SplitSeq(words, ", ") {
		if n, ok := strings.CutSuffix(word, " s"); ok {
			var err error
			seconds, err = strconv.ParseInt(n, 10, 64)
			require.NoError(t, err)
			continue
		}
		if n, ok := strings.CutPrefix(word, "group of "); ok {
			members, err := strconv.Atoi(n)
			require.NoError(t, err)
			record.CallType, record.Members = tencent.CallTypeMulti, []string{record.Caller}
			for i := 1; i < members; i++ {
				record.Members = append(record.Members, "user"+strconv.Itoa(i))
			}
			continue
		}
		if at, ok := strings.CutPrefix(word, "ended "); ok {
			end, err := time.Parse(time.RFC3339, at)
			require.NoError(t, err)
			record.EndTime = end.Unix()
			continue
		}
		if strings.Contains(word, " joined ") || strings.Contains(word, " left ") {
			turns = append(turns, word)
			continue
		}
		switch word {
		case "video":
			record.MediaType = tencent.MediaVideo
		case "not answered":
			record.Result = tencent.ResultNotAnswer
		default:
			record.Result = tencent.CallResult(word)
			require.True(t, record.Result.Known(), "%q in %q", word, words)
		}
	}
	record.AcceptTime = record.EndTime - seconds
	record.StartTime = record.AcceptTime - 10
	if seconds == 0 {
		record.AcceptTime = 0
	}
	for _, words := range turns {
		seen = append(seen, seenOfDocs(t, record, words)...)
	}
	for i := range seen {
		seen[i].ID = strconv.Itoa(i + 1)
	}
	return record, seen
}

// seenOfDocs is what one source or, if none is named, each of them says of a member. Its
// times are in seconds after AcceptTime.
func seenOfDocs(t *testing.T, record tencent.CallRecord, words string) []attendance.Event {
	t.Helper()
	sources := []attendance.Source{attendance.SourceRoom, attendance.SourceCallback}
	if source, rest, ok := strings.Cut(words, ": "); ok {
		sources, words = []attendance.Source{attendance.Source(source)}, rest
	}
	fields := strings.Fields(words)
	user := strings.Replace(fields[0], "caller", record.Caller, 1)
	var seen []attendance.Event
	for i := 1; i+1 < len(fields); i += 2 {
		after, err := strconv.ParseFloat(fields[i+1], 64)
		require.NoError(t, err, words)
		require.Contains(t, attendance.Kinds, attendance.Kind(fields[i]))
		for _, source := range sources {
			at := time.UnixMilli(record.AcceptTime*1000 + int64(after*1000))
			seen = append(seen, attendance.Event{Source: source, User: user, Kind: attendance.Kind(fields[i]), At: at})
		}
	}
	return seen
}
