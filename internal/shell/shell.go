// Package shell writes the commands that aftercall shows, for a person to copy.
package shell

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"al.essio.dev/pkg/shellescape"
)

// Command returns a command with arguments that may be anything: a shell passes
// each of them on unchanged, and runs nothing that is in them. An argument that
// begins with a hyphen is not taken for a flag. The result is one printable line.
func Command(command string, args ...string) string {
	words := []string{command}
	for _, arg := range args {
		if strings.HasPrefix(arg, "-") {
			words = append(words, "--")
			break
		}
	}
	for _, arg := range args {
		words = append(words, quote(arg))
	}
	return strings.Join(words, " ")
}

// quote uses '…', and $'…' of bash and zsh for what cannot be shown.
func quote(arg string) string {
	visible := func(r rune) bool { return unicode.IsPrint(r) && r != utf8.RuneError }
	if strings.IndexFunc(arg, func(r rune) bool { return !visible(r) }) < 0 {
		return shellescape.Quote(arg)
	}
	var b strings.Builder
	b.WriteString("$'")
	for len(arg) > 0 {
		r, size := utf8.DecodeRuneInString(arg)
		switch {
		case r == '\'' || r == '\\':
			b.WriteString(`\` + string(r))
		case visible(r):
			b.WriteRune(r)
		default:
			for _, c := range []byte(arg[:size]) {
				fmt.Fprintf(&b, `\x%02x`, c)
			}
		}
		arg = arg[size:]
	}
	b.WriteString("'")
	return b.String()
}
