// Package docsection replaces generated sections of a Markdown document. A
// section is what is between the lines <!-- name --> and <!-- /name -->.
package docsection

import (
	"fmt"
	"os"
	"strings"
)

// Section is the new text of a generated section.
type Section struct{ Name, Text string }

// Replace returns the document with the text of the sections replaced.
func Replace(document string, sections ...Section) (string, error) {
	for _, s := range sections {
		begin, end := "<!-- "+s.Name+" -->\n", "<!-- /"+s.Name+" -->"
		before, rest, ok := strings.Cut(document, begin)
		if !ok {
			return "", fmt.Errorf("the document has no line %q", strings.TrimSpace(begin))
		}
		_, after, ok := strings.Cut(rest, end)
		if !ok {
			return "", fmt.Errorf("the document has no line %q", end)
		}
		document = before + begin + strings.TrimSpace(s.Text) + "\n" + end + after
	}
	return document, nil
}

// Update replaces the text of sections in a file.
func Update(path string, sections ...Section) error {
	document, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	replaced, err := Replace(string(document), sections...)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return os.WriteFile(path, []byte(replaced), 0o644)
}
