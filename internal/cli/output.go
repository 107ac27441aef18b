package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode"

	"aftercall/internal/untrusted"
)

// Format is the flag that chooses between people and scripts. Commands embed it.
type Format struct {
	Output string `short:"o" enum:"table,json" default:"table" help:"table for people, json for scripts. The names in JSON are stable."`
}

// ListFormat is Format for commands that print a list.
type ListFormat struct {
	Output string `short:"o" enum:"table,csv,json" default:"table" help:"table for people, csv for spreadsheets, json for scripts. The names in CSV and JSON are stable."`
	Wide   bool   `short:"w" help:"Print all columns of the table, however wide it gets."`
}

// screen is where a result for people is written.
type screen struct {
	io.Writer
	width  int  // of tables, in characters; 0 is unlimited
	cut    bool // whether text that does not fit is cut
	colour bool // whether colours are shown
	notes  io.Writer
}

// Print writes result as JSON, or what people writes.
func (f Format) Print(p Process, result any, people func(screen)) error {
	if f.Output == "json" {
		return printJSON(p, result)
	}
	return printFor(p, false, people)
}

// Print writes items as JSON, as CSV in all columns, or what people writes.
func (f ListFormat) Print(p Process, items any, csv func(io.Writer) error, people func(screen)) error {
	switch f.Output {
	case "json":
		return printJSON(p, items)
	case "csv":
		return flush(p, func(b *bytes.Buffer) error { return csv(b) })
	}
	return printFor(p, f.Wide, people)
}

func printJSON(p Process, v any) error {
	return flush(p, func(b *bytes.Buffer) error {
		encoder := json.NewEncoder(b)
		encoder.SetEscapeHTML(false)
		encoder.SetIndent("", "  ")
		return encoder.Encode(v)
	})
}

func printFor(p Process, wide bool, people func(screen)) error {
	return flush(p, func(b *bytes.Buffer) error {
		s := screen{Writer: b, colour: p.colour(p.Stdout), notes: p.Stderr}
		if !wide {
			s.width, s.cut = p.width()
		}
		people(s)
		return nil
	})
}

// flush writes a result at once, so that a failure to make it prints nothing.
func flush(p Process, write func(*bytes.Buffer) error) error {
	var b bytes.Buffer
	err := write(&b)
	if err == nil {
		_, err = b.WriteTo(p.Stdout)
	}
	if err != nil {
		return fmt.Errorf("print the result: %w", err)
	}
	return nil
}

// printable replaces control characters in foreign text, which could move the
// cursor of a terminal, and those that reorder or hide what follows. Tabs, which
// drivers indent their errors with, become spaces.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\t':
			return ' '
		case unicode.IsControl(r) && r != '\n', untrusted.Hidden(r):
			return unicode.ReplacementChar
		}
		return r
	}, s)
}
