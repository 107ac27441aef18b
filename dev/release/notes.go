package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

type notesCommand struct {
	Version string `arg:"" help:"The version, as in 1.2.0 or v1.2.0; or Unreleased."`
}

// Run prints what CHANGELOG.md says about a version.
func (c notesCommand) Run(all *commands) error {
	text, err := os.ReadFile(filepath.Join(all.Root, "CHANGELOG.md"))
	if err != nil {
		return err
	}
	notes, err := notesOf(string(text), c.Version)
	if err != nil {
		return err
	}
	fmt.Print(notes)
	return nil
}

var versionHeading = regexp.MustCompile(`(?m)^## \[([^\]]+)\].*\n`)

// notesOf returns the section of a version, without its heading.
func notesOf(changelog, version string) (string, error) {
	headings := versionHeading.FindAllStringSubmatchIndex(changelog, -1)
	for i, h := range headings {
		if changelog[h[2]:h[3]] != strings.TrimPrefix(version, "v") {
			continue
		}
		end := len(changelog)
		if i+1 < len(headings) {
			end = headings[i+1][0]
		}
		if notes := strings.TrimSpace(changelog[h[1]:end]); notes != "" {
			return notes + "\n", nil
		}
		return "", fmt.Errorf("CHANGELOG.md: the section of %s is empty", version)
	}
	return "", fmt.Errorf("CHANGELOG.md has no section %s: rename Unreleased before the release", version)
}
