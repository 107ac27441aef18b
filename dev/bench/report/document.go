package report

import (
	"bytes"
	"os"
	"path/filepath"

	"aftercall/dev/docsection"
)

// The files that a published run writes, relative to the project's folder.
const (
	documentFile = "docs/benchmarks.md"
	pictureFile  = "docs/images/benchmarks.svg"
	csvFile      = "docs/benchmarks.csv"
)

// Publish writes the figures into the documentation of the project in root,
// and replaces further sections of docs/benchmarks.md.
func (s Set) Publish(root string, sections ...docsection.Section) error {
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
	return Update(root, append(sections, docsection.Section{Name: "figures", Text: tables.String()})...)
}

// Update replaces sections of docs/benchmarks.md only.
func Update(root string, sections ...docsection.Section) error {
	return docsection.Update(filepath.Join(root, documentFile), sections...)
}
