package cli

import (
	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
)

// field is a name and a value for people.
type field struct {
	name, value string
	// paint colours a line of the value; nil leaves it plain.
	paint func(line string) string
}

// writeFields writes a name and a value on every line. A value of several lines
// is kept in its column; a name may be empty. Values wrap at the screen's width.
func writeFields(s screen, fields ...[2]string) {
	all := make([]field, len(fields))
	for i, f := range fields {
		all[i] = field{name: f[0], value: f[1]}
	}
	writePainted(s, all...)
}

// writePainted is writeFields with colours.
func writePainted(s screen, fields ...field) {
	names, values := tableColumn{}, tableColumn{wrap: true}
	for _, f := range fields {
		names.cells, names.width = append(names.cells, f.name), max(names.width, text.LongestLineLen(f.name))
		value := printable(f.value)
		values.cells, values.width = append(values.cells, value), max(values.width, text.LongestLineLen(value))
	}
	values.paint = func(row int, line string) string {
		if fields[row].paint == nil {
			return line
		}
		return fields[row].paint(line)
	}
	columns, _ := fit([]tableColumn{names, values}, s.width)
	t := newTable()
	for i := range fields {
		t.AppendRow(table.Row{columns[0].cells[i], columns[1].cell(i)})
	}
	write(s, t)
}
