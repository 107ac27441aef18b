// Package planted builds the product with bugs that the checker must find. The bugs are
// patches in bugs/, one file each, which go build -overlay applies: the product knows
// nothing of them. All are in one build, and a variable of the environment turns one of
// them on; see package active.
package planted

import (
	"embed"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

//go:embed bugs/*.txt
var files embed.FS

// Bug is a patch.
type Bug struct {
	Name  string
	edits []edit
}

// edit replaces text that occurs once in a file.
type edit struct{ file, before, after string }

// All returns the bugs, by name.
func All() ([]Bug, error) {
	entries, err := files.ReadDir("bugs")
	if err != nil {
		return nil, err
	}
	var bugs []Bug
	for _, entry := range entries {
		text, err := files.ReadFile("bugs/" + entry.Name())
		if err != nil {
			return nil, err
		}
		edits, err := parse(string(text))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", entry.Name(), err)
		}
		bugs = append(bugs, Bug{strings.TrimSuffix(entry.Name(), ".txt"), edits})
	}
	return bugs, nil
}

// The lines between the parts of an edit. The name of the file is before them.
const (
	before = "\n<<<<<<<\n"
	middle = "\n=======\n"
	after  = "\n>>>>>>>\n"
)

func parse(text string) (edits []edit, err error) {
	for rest := text; strings.TrimSpace(rest) != ""; {
		file, from, ok1 := strings.Cut(rest, before)
		old, from, ok2 := strings.Cut(from, middle)
		replacement, left, ok3 := strings.Cut(from, after)
		if !ok1 || !ok2 || !ok3 {
			return nil, fmt.Errorf("an edit must be a file name, %q, text, %q, text and %q", before, middle, after)
		}
		edits = append(edits, edit{strings.TrimSpace(file), old, replacement})
		rest = left
	}
	return edits, nil
}

// Overlay writes the patched files of the repository at root into folder, and the file
// for go build -overlay, whose path it returns. A patch that no longer fits is an error.
func Overlay(root, folder string) (path string, err error) {
	bugs, err := All()
	if err != nil {
		return "", err
	}
	patched := map[string]string{}
	for _, bug := range bugs {
		for _, e := range bug.edits {
			if err := e.apply(root, patched); err != nil {
				return "", fmt.Errorf("the planted bug %s: %w", bug.Name, err)
			}
		}
	}
	replace := map[string]string{}
	for file, text := range patched {
		copied := filepath.Join(folder, strings.ReplaceAll(file, "/", "_"))
		if err := os.WriteFile(copied, []byte(text), 0o600); err != nil {
			return "", err
		}
		replace[filepath.Join(root, file)] = copied
	}
	overlay, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	path = filepath.Join(folder, "overlay.json")
	return path, os.WriteFile(path, overlay, 0o600)
}

// apply changes a file, which imports package active from then on.
func (e edit) apply(root string, patched map[string]string) error {
	text, ok := patched[e.file]
	if !ok {
		source, err := os.ReadFile(filepath.Join(root, e.file))
		if err != nil {
			return err
		}
		text = strings.Replace(string(source), "import (\n", "import (\n\t\"aftercall/dev/faults/planted/active\"\n", 1)
	}
	if n := strings.Count(text, e.before); n != 1 {
		return fmt.Errorf("this text must be in %s once, and is there %d times: change the patch\n%s", e.file, n, e.before)
	}
	patched[e.file] = strings.Replace(text, e.before, e.after, 1)
	return nil
}

// Names are the names of the bugs.
func Names(bugs []Bug) []string {
	var names []string
	for _, bug := range bugs {
		names = append(names, bug.Name)
	}
	slices.Sort(names)
	return names
}
