package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
)

// Output is the flag that chooses who reads the result. Commands embed it.
type Output struct {
	Output string `short:"o" enum:"table,json" default:"table" help:"table for people, json for scripts."`
}

// Print writes v as JSON, or what people writes.
func (o Output) Print(w io.Writer, v any, people func(io.Writer)) error {
	var b bytes.Buffer
	if o.JSON() {
		encoder := json.NewEncoder(&b)
		encoder.SetEscapeHTML(false)
		encoder.SetIndent("", "  ")
		if err := encoder.Encode(v); err != nil {
			return fmt.Errorf("print the result: %w", err)
		}
	} else {
		people(&b)
	}
	if _, err := b.WriteTo(w); err != nil {
		return fmt.Errorf("print the result: %w", err)
	}
	return nil
}

// JSON reports whether a script reads the result.
func (o Output) JSON() bool { return o.Output == "json" }

// Table writes rows below a header, in columns.
func Table(w io.Writer, header []string, rows ...[]string) {
	t := newTable()
	t.AppendHeader(cells(header))
	for _, row := range rows {
		t.AppendRow(cells(row))
	}
	write(w, t)
}

// Fields writes a name and a value in every line. A value of several lines is
// kept in its column; a name may be empty.
func Fields(w io.Writer, fields ...[2]string) {
	t := newTable()
	for _, f := range fields {
		t.AppendRow(cells(f[:]))
	}
	write(w, t)
}

func newTable() table.Writer {
	t := table.NewWriter()
	style := table.StyleDefault
	style.Options = table.OptionsNoBordersAndSeparators
	style.Box.PaddingLeft, style.Box.PaddingRight = "", "  "
	style.Format.Header = text.FormatUpper
	t.SetStyle(style)
	return t
}

func cells(values []string) table.Row {
	row := make(table.Row, len(values))
	for i, v := range values {
		row[i] = printable(v)
	}
	return row
}

// printable keeps foreign text from moving the cursor of a terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' {
			return unicode.ReplacementChar
		}
		return r
	}, s)
}

// write leaves no blanks at the ends of lines, which copying would take along.
func write(w io.Writer, t table.Writer) {
	for line := range strings.Lines(t.Render() + "\n") {
		fmt.Fprintln(w, strings.TrimRight(line, " \n"))
	}
}
