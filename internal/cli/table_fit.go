package cli

import (
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/muesli/reflow/wordwrap"
)

const (
	columnGap = "  " // separates columns
	ellipsis  = "…"  // ends text that is cut
)

const (
	// roomyWrap is how wide a wrapped column stays for as long as other columns can
	// be left out instead, minWrapped the narrowest that it gets then.
	roomyWrap, minWrapped = 24, 16
	// minCut is the narrowest that a column gets whose text is cut.
	minCut = 8
)

// tableColumn is a column with its cells as text.
type tableColumn struct {
	heading           string
	cells             []string
	right, wrap       bool
	drop, width, most int // most is the width to wrap or cut at; 0 is none
	// paint colours a line of the cell of a row; nil leaves it plain.
	paint func(row int, line string) string
}

// cell is the cell of a row as it is printed. Lines are painted one by one,
// because the next column follows each of them.
func (c tableColumn) cell(row int) string {
	cell := c.cells[row]
	if c.wrap && c.most > 0 {
		cell = wrapWords(cell, c.most)
	}
	lines := strings.Split(cell, "\n")
	for i, line := range lines {
		if !c.wrap {
			line = text.Snip(line, c.most, ellipsis)
		}
		if line != "" && c.paint != nil {
			line = c.paint(row, line)
		}
		lines[i] = line
	}
	return strings.Join(lines, "\n")
}

// fit leaves columns out and wraps others until the table is not wider than
// width. It returns the headings that are left out.
func fit(columns []tableColumn, width int) (shown []tableColumn, left []string) {
	shown = slices.Clone(columns)
	if width == 0 {
		return shown, nil
	}
	for total(shown, true) > width {
		least := -1
		for i, c := range shown {
			if c.drop > 0 && (least < 0 || c.drop > shown[least].drop) {
				least = i
			}
		}
		if least < 0 {
			break
		}
		if heading := strings.TrimSpace(shown[least].heading); heading != "" { // bars have none
			left = append(left, heading)
		}
		shown = slices.Delete(shown, least, least+1)
	}
	shrink(shown, width, minWrapped, func(c tableColumn) bool { return c.wrap })
	return shown, left
}

// cut shortens text until the table is not wider than width. It returns what is no
// longer whole.
func cut(shown []tableColumn, width int) (shortened []string) {
	if width == 0 {
		return nil
	}
	for _, i := range shrink(shown, width, minCut, func(c tableColumn) bool { return !c.wrap && !c.right }) {
		shortened = append(shortened, "the whole "+shown[i].heading)
	}
	return shortened
}

// shrink narrows columns, always the widest of those that may, until the table is
// not wider than width or each of them has the least. It returns their indices.
func shrink(shown []tableColumn, width, least int, may func(tableColumn) bool) (narrowed []int) {
	for total(shown, false) > width {
		widest := -1
		for i, c := range shown {
			if may(c) && c.width > least && (widest < 0 || c.width > shown[widest].width) {
				widest = i
			}
		}
		if widest < 0 {
			break
		}
		if shown[widest].most == 0 {
			narrowed = append(narrowed, widest)
		}
		shown[widest].width--
		shown[widest].most = shown[widest].width
	}
	return narrowed
}

// wrapWords breaks lines at blanks only: a broken link cannot be copied.
func wrapWords(s string, width int) string {
	w := wordwrap.NewWriter(width)
	w.Breakpoints = nil
	// It writes into memory.
	_, _ = w.Write([]byte(s))
	_ = w.Close()
	return w.String()
}

// total is how wide the columns are together, with wrapped ones no wider than
// roomyWrap if narrow.
func total(columns []tableColumn, narrow bool) int {
	sum := len(columnGap) * (len(columns) - 1)
	for _, c := range columns {
		if narrow && c.wrap {
			sum += min(c.width, roomyWrap)
		} else {
			sum += c.width
		}
	}
	return sum
}
