// Package planted builds the product with bugs that the checker must find, and with
// points at which it can be killed. They are patches in bugs/ and points/, one file each,
// which go build -overlay applies: the product knows nothing of them. All are in one
// build, and variables of the environment turn them on; see package active. The patch in
// versions/ makes a later release, in a build of its own.
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

//go:embed bugs/*.txt points/*.txt versions/*.txt
var files embed.FS

// Patch is a bug or a point.
type Patch struct {
	Name  string
	edits []edit
}

// edit replaces text that occurs once in a file.
type edit struct{ file, before, after string }

// Bugs returns the bugs, by name.
func Bugs() ([]Patch, error) { return read("bugs") }

// Points returns the points at which a process can be killed, by name. The name begins
// with that of the process.
func Points() ([]Patch, error) { return read("points") }

func read(folder string) (patches []Patch, err error) {
	entries, err := files.ReadDir(folder)
	if err != nil {
		return nil, err
	}
	for _, entry := range entries {
		text, err := files.ReadFile(folder + "/" + entry.Name())
		if err != nil {
			return nil, err
		}
		edits, err := parse(string(text))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", entry.Name(), err)
		}
		patches = append(patches, Patch{strings.TrimSuffix(entry.Name(), ".txt"), edits})
	}
	return patches, nil
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
	bugs, err := Bugs()
	if err != nil {
		return "", err
	}
	points, err := Points()
	if err != nil {
		return "", err
	}
	return overlay(root, folder, slices.Concat(bugs, points))
}

// OverlayOfLater is Overlay for a later release, whose workflows have other commands.
func OverlayOfLater(root, folder string) (path string, err error) {
	later, err := read("versions")
	if err != nil {
		return "", err
	}
	return overlay(root, folder, later)
}

func overlay(root, folder string, patches []Patch) (path string, err error) {
	patched := map[string]string{}
	for _, patch := range patches {
		for _, e := range patch.edits {
			if err := e.apply(root, patched); err != nil {
				return "", fmt.Errorf("the patch %s: %w", patch.Name, err)
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
	list, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	path = filepath.Join(folder, "overlay.json")
	return path, os.WriteFile(path, list, 0o600)
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

// Names are the names of patches.
func Names(patches []Patch) []string {
	var names []string
	for _, patch := range patches {
		names = append(names, patch.Name)
	}
	slices.Sort(names)
	return names
}
