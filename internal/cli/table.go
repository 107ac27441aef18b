package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"aftercall/internal/ledger"
)

// column is one column of a list: of its table for people and of its CSV.
type column[T any] struct {
	// key is the name in CSV, which is stable and that of the JSON.
	key string
	// title is the heading of the table; empty means key with spaces.
	title string
	// value is the cell in CSV.
	value func(T) string
	// text is the cell of the table; nil means value.
	text func(T) string
	// paint colours a line of a cell of the table; nil leaves it plain.
	paint func(s screen, item T, line string) string
	// foreign text is the sender's: CSV keeps spreadsheets from running it.
	foreign bool
	// right aligns numbers.
	right bool
	// wrap lets long text take several lines.
	wrap bool
	// drop is the order in which columns are left out of a table that is too
	// wide: the highest first, 0 never.
	drop int
	// csvOnly and tableOnly restrict a column to one of the two.
	csvOnly, tableOnly bool
}

func (c column[T]) heading() string {
	if c.title != "" {
		return c.title
	}
	return strings.ReplaceAll(c.key, "_", " ")
}

func (c column[T]) cell(item T) string {
	if c.text != nil {
		return printable(c.text(item))
	}
	return printable(c.value(item))
}

// writeTable writes items in columns that fit the screen: columns that matter
// less are left out, then long text wraps, and at last, if the screen says so, text
// is cut. Numbers are not.
func writeTable[T any](s screen, items []T, columns []column[T]) {
	shown := make([]tableColumn, 0, len(columns))
	for _, c := range columns {
		if c.csvOnly {
			continue
		}
		t := tableColumn{heading: c.heading(), right: c.right, wrap: c.wrap, drop: c.drop, cells: make([]string, len(items))}
		t.width = text.StringWidthWithoutEscSequences(t.heading)
		for i, item := range items {
			t.cells[i] = c.cell(item)
			t.width = max(t.width, text.LongestLineLen(t.cells[i]))
		}
		if c.paint != nil {
			t.paint = func(row int, line string) string { return c.paint(s, items[row], line) }
		}
		shown = append(shown, t)
	}
	shown, missing := fit(shown, s.width)
	if s.cut {
		missing = append(missing, cut(shown, s.width)...)
	}
	render(s, shown, len(items))
	if len(missing) > 0 {
		fmt.Fprintf(s.notes, "note: not enough room for %s; --wide prints them\n", strings.Join(missing, ", "))
	}
}

func render(w io.Writer, columns []tableColumn, rows int) {
	t := newTable()
	header := make(table.Row, len(columns))
	configs := make([]table.ColumnConfig, len(columns))
	for i, c := range columns {
		header[i] = c.heading
		if !c.wrap {
			header[i] = text.Snip(c.heading, c.most, ellipsis)
		}
		configs[i] = table.ColumnConfig{Number: i + 1}
		if c.right {
			configs[i].Align, configs[i].AlignHeader = text.AlignRight, text.AlignRight
		}
	}
	t.SetColumnConfigs(configs)
	t.AppendHeader(header)
	for r := range rows {
		row := make(table.Row, len(columns))
		for i, c := range columns {
			row[i] = c.cell(r)
		}
		t.AppendRow(row)
	}
	write(w, t)
}

// writeCSV writes items as CSV (RFC 4180) with all columns, under their keys.
func writeCSV[T any](w io.Writer, items []T, columns []column[T]) error {
	out := ledger.NewCSV(w)
	row := []string{}
	for _, c := range columns {
		if !c.tableOnly {
			row = append(row, c.key)
		}
	}
	if err := out.Write(row...); err != nil {
		return err
	}
	for _, item := range items {
		row = row[:0]
		for _, c := range columns {
			if !c.tableOnly {
				value := c.value(item)
				if c.foreign {
					value = ledger.Cell(value)
				}
				row = append(row, value)
			}
		}
		if err := out.Write(row...); err != nil {
			return err
		}
	}
	return out.Flush()
}

// printList prints items in the chosen format; empty is said to people instead
// of an empty table.
func printList[T any](p Process, f ListFormat, items []T, columns []column[T], empty string) error {
	if items == nil {
		items = []T{}
	}
	return f.Print(
		p, items,
		func(w io.Writer) error { return writeCSV(w, items, columns) },
		func(s screen) {
			if len(items) == 0 {
				fmt.Fprintln(s, empty)
				return
			}
			writeTable(s, items, columns)
		},
	)
}

func newTable() table.Writer {
	t := table.NewWriter()
	style := table.StyleDefault
	style.Options = table.OptionsNoBordersAndSeparators
	style.Box.PaddingLeft, style.Box.PaddingRight = "", columnGap
	style.Format.Header = text.FormatUpper
	t.SetStyle(style)
	return t
}

// write leaves no blanks at the ends of lines, which copying would take along.
func write(w io.Writer, t table.Writer) {
	for line := range strings.Lines(t.Render() + "\n") {
		fmt.Fprintln(w, strings.TrimRight(line, " \n"))
	}
}

// green and red mark good and bad on a screen that shows colours.
func (s screen) green(words string) string  { return s.paint(text.FgGreen, words) }
func (s screen) yellow(words string) string { return s.paint(text.FgYellow, words) }

func (s screen) red(words string) string { return s.paint(text.FgRed, words) }

func (s screen) paint(c text.Color, words string) string {
	if !s.colour {
		return words
	}
	// Written by hand: go-pretty decides by the environment of the process.
	return c.EscapeSeq() + words + text.EscapeReset
}
