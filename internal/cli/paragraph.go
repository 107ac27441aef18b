package cli

import (
	"fmt"
	"strings"

	"github.com/jedib0t/go-pretty/v6/text"
)

// writeParagraph writes text after prefix, wrapped at the screen's width.
// Further lines are indented as far as the prefix is wide.
func writeParagraph(s screen, prefix, words string) {
	indent := text.StringWidthWithoutEscSequences(prefix)
	words = printable(words)
	if s.width > indent {
		words = wrapWords(words, s.width-indent)
	}
	for i, line := range strings.Split(words, "\n") {
		if i > 0 {
			prefix = strings.Repeat(" ", indent)
		}
		fmt.Fprintln(s, prefix+line)
	}
}
