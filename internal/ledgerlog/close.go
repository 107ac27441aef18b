package ledgerlog

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// closeLine begins the line of a checkpoint that closes a month.
const closeLine = "close "

// Close says that a month was closed by a checkpoint. The zero Close closes nothing.
type Close struct {
	// Month is as in 2026-10, in the time zone Zone.
	Month, Zone string
	// From, inclusive, and To, exclusive, are its bounds in Unix seconds. They stay as
	// they were when the rules of the zone change.
	From, To int64
	// Operator is who closed it.
	Operator string
}

// IsZero reports whether nothing is closed.
func (c Close) IsZero() bool { return c == Close{} }

// Bounds are From and To in the zone, or in UTC if this machine does not know it.
func (c Close) Bounds() (from, to time.Time) {
	zone, err := time.LoadLocation(c.Zone)
	if err != nil {
		zone = time.UTC
	}
	return time.Unix(c.From, 0).In(zone), time.Unix(c.To, 0).In(zone)
}

// line is the line of a checkpoint, empty if nothing is closed.
func (c Close) line() string {
	if c.IsZero() {
		return ""
	}
	return fmt.Sprintf("%s%s %s %d %d %s\n", closeLine, c.Month, c.Zone, c.From, c.To, strconv.QuoteToASCII(c.Operator))
}

// parseClose reads the line that line wrote. Another line closes nothing.
func parseClose(line string) (c Close, err error) {
	values, ok := strings.CutPrefix(line, closeLine)
	if !ok {
		return Close{}, nil
	}
	if _, err := fmt.Sscanf(values, "%s %s %d %d %q", &c.Month, &c.Zone, &c.From, &c.To, &c.Operator); err != nil || c.line() != line+"\n" {
		return Close{}, fmt.Errorf("is not a checkpoint of this program: %q does not close a month", line)
	}
	return c, nil
}
