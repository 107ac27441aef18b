package ledger_test

import (
	"bytes"
	"encoding/csv"
	"strings"
	"testing"

	"aftercall/internal/ledger"

	"github.com/stretchr/testify/require"
)

// TestCell has texts that a spreadsheet runs as a formula, in some application and
// some locale, and texts that look as if they had been defused.
func TestCell(t *testing.T) {
	for text, want := range map[string]string{
		"": "", "a": "a", "a=1": "a=1", "10001": "10001", " a": " a", "患者": "患者",
		"=1": "'=1", "+1": "'+1", "-1": "'-1", "@a": "'@a",
		"＝1": "'＝1", "＋1": "'＋1", "－1": "'－1", "＠a": "'＠a",
		"\ta": "'\ta", "\ra": "'\ra", "\na": "'\na", "\n=1": "'\n=1", "\r\n=1": "'\r\n=1",
		" =1": "' =1", "\u00a0=1": "'\u00a0=1", "\ufeff=1": "'\ufeff=1", "\x00＝1": "'\x00＝1",
		"'": "''", "'=1": "''=1", "'a": "''a", "''a": "'''a",
	} {
		cell := ledger.Cell(text)
		require.Equal(t, want, cell, "%q", text)
		require.Equal(t, text, strings.TrimPrefix(cell, "'"), "the text is what follows the first apostrophe")
	}
}

// TestCSVKeepsText: lines end as RFC 4180 says, and the line ends within a text stay.
func TestCSVKeepsText(t *testing.T) {
	var out bytes.Buffer
	w := ledger.NewCSV(&out)
	require.NoError(t, w.Write("a", "b,c", `d"e`))
	require.NoError(t, w.Write("one\ntwo", "three\r\nfour", "five\rsix"))
	require.NoError(t, w.Write("", "", "last\n"))
	require.NoError(t, w.Flush())
	require.Equal(t, "a,\"b,c\",\"d\"\"e\"\r\n\"one\ntwo\",\"three\r\nfour\",\"five\rsix\"\r\n,,\"last\n\"\r\n", out.String())
	rows, err := csv.NewReader(&out).ReadAll()
	require.NoError(t, err)
	require.Len(t, rows, 3)
}
