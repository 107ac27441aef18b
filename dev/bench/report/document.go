package report

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// The files that a published run writes, below the project's folder.
const (
	documentFile = "docs/benchmarks.md"
	pictureFile  = "docs/images/benchmarks.svg"
	csvFile      = "docs/benchmarks.csv"
)

// Section is a part of the document that a run replaces: what is between
// <!-- name --> and <!-- /name -->. The rest of the document is written by people.
type Section struct{ Name, Text string }

// Replace puts sections into the document.
func Replace(document string, sections ...Section) (string, error) {
	for _, s := range sections {
		begin, end := "<!-- "+s.Name+" -->\n", "<!-- /"+s.Name+" -->"
		before, rest, ok := strings.Cut(document, begin)
		if !ok {
			return "", fmt.Errorf("the document has no %q", strings.TrimSpace(begin))
		}
		_, after, ok := strings.Cut(rest, end)
		if !ok {
			return "", fmt.Errorf("the document has no %q", end)
		}
		document = before + begin + strings.TrimSpace(s.Text) + "\n" + end + after
	}
	return document, nil
}

// Publish writes the figures into the documentation of the project in root.
func (s Set) Publish(root string, sections ...Section) error {
	var tables, picture, rows bytes.Buffer
	s.Write(&tables, true)
	if err := s.WriteSVG(&picture); err != nil {
		return err
	}
	if err := s.WriteCSV(&rows); err != nil {
		return err
	}
	for file, data := range map[string][]byte{pictureFile: picture.Bytes(), csvFile: rows.Bytes()} {
		if err := os.WriteFile(filepath.Join(root, file), data, 0o644); err != nil {
			return err
		}
	}
	return Update(root, append(sections, Section{"figures", tables.String()})...)
}

// Update replaces sections of the document alone.
func Update(root string, sections ...Section) error {
	path := filepath.Join(root, documentFile)
	document, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	replaced, err := Replace(string(document), sections...)
	if err != nil {
		return err
	}
	return os.WriteFile(path, []byte(replaced), 0o644)
}
