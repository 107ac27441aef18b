package ledger

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"io"
	"strings"
	"unicode"
)

// CSV writes rows as RFC 4180 says, with lines that end in CR LF. The line ends
// within a text stay as they are, which UseCRLF of a csv.Writer would change.
type CSV struct {
	out *bufio.Writer
	// line is what row has written of one row.
	line bytes.Buffer
	row  *csv.Writer
}

// NewCSV returns one that writes to w. Flush it at the end.
func NewCSV(w io.Writer) *CSV {
	c := &CSV{out: bufio.NewWriter(w)}
	c.row = csv.NewWriter(&c.line)
	return c
}

// Write writes one row. Foreign text must be a Cell.
func (c *CSV) Write(fields ...string) error {
	c.line.Reset()
	if err := c.row.Write(fields); err != nil {
		return err
	}
	c.row.Flush()
	if _, err := c.out.Write(bytes.TrimSuffix(c.line.Bytes(), []byte("\n"))); err != nil {
		return err
	}
	_, err := c.out.WriteString("\r\n")
	return err
}

// Flush writes what is buffered, and returns the first error of all writes.
func (c *CSV) Flush() error { return c.out.Flush() }

// Cell is foreign text as a CSV cell: with an apostrophe before it if a spreadsheet
// could run it as a formula, or if it begins with an apostrophe itself. The text of a
// cell that begins with an apostrophe is what follows it.
func Cell(s string) string {
	if s == "" {
		return s
	}
	// A spreadsheet can skip what is invisible before a formula.
	visible := strings.TrimLeftFunc(s, func(r rune) bool {
		return unicode.IsSpace(r) || unicode.Is(unicode.C, r)
	})
	if strings.ContainsAny(s[:1], "'\t\r\n") || strings.IndexAny(visible, "=+-@＝＋－＠") == 0 {
		return "'" + s
	}
	return s
}
