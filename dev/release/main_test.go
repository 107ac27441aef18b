package main

import (
	"compress/gzip"
	"io"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/stretchr/testify/require"
)

func TestNotes(t *testing.T) {
	const changelog = "# Changelog\n\n## [Unreleased]\n\n## [1.1.0] - 2027-01-02\n\n### Added\n\n- Two.\n\n## [1.0.0] - 2027-01-01\n\n- One.\n"
	notes, err := notesOf(changelog, "v1.1.0")
	require.NoError(t, err)
	require.Equal(t, "### Added\n\n- Two.\n", notes)
	notes, err = notesOf(changelog, "1.0.0")
	require.NoError(t, err)
	require.Equal(t, "- One.\n", notes)
	_, err = notesOf(changelog, "Unreleased")
	require.ErrorContains(t, err, "is empty")
	_, err = notesOf(changelog, "1.2.0")
	require.ErrorContains(t, err, "has no section 1.2.0")

	real, err := os.ReadFile("../../CHANGELOG.md")
	require.NoError(t, err)
	_, err = notesOf(string(real), "Unreleased")
	require.NoError(t, err)
}

func TestManual(t *testing.T) {
	folder := t.TempDir()
	require.NoError(t, manualCommand{Out: folder}.Run())
	file, err := os.Open(filepath.Join(folder, "aftercall.1.gz"))
	require.NoError(t, err)
	defer file.Close()
	unzipped, err := gzip.NewReader(file)
	require.NoError(t, err)
	page, err := io.ReadAll(unzipped)
	require.NoError(t, err)
	for _, text := range []string{".TH", "aftercall", "ledger", "probe", "Exit codes"} {
		require.Contains(t, string(page), text)
	}
	for _, shell := range []string{"bash", "zsh", "fish"} {
		script, err := os.ReadFile(filepath.Join(folder, "aftercall."+shell))
		require.NoError(t, err)
		require.Contains(t, string(script), "'aftercall'")
	}
}

// TestPush pushes an index to a registry in this process.
func TestPush(t *testing.T) {
	server := httptest.NewServer(registry.New())
	defer server.Close()
	image, err := random.Image(1000, 2)
	require.NoError(t, err)
	folder := t.TempDir()
	require.NoError(t, writeLayout(folder, mutate.AppendManifests(empty.Index, mutate.IndexAddendum{Add: image})))
	host := strings.TrimPrefix(server.URL, "http://")
	require.NoError(t, pushCommand{Layout: folder, Images: []string{host + "/aftercall:1.0.0", host + "/aftercall:latest"}}.Run(t.Context()))
	resp, err := server.Client().Get(server.URL + "/v2/aftercall/tags/list")
	require.NoError(t, err)
	defer resp.Body.Close()
	require.Equal(t, 200, resp.StatusCode)
	require.Error(t, pushCommand{Layout: folder, Images: []string{host + "/NOT A NAME"}}.Run(t.Context()))
	nothing := t.TempDir()
	_, err = layout.Write(nothing, empty.Index)
	require.NoError(t, err)
	require.ErrorContains(t, pushCommand{Layout: nothing}.Run(t.Context()), "index.json has 0 entries, not one")
}
