package main

import (
	"compress/gzip"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	mangokong "github.com/alecthomas/mango-kong"
	"github.com/muesli/roff"

	"aftercall/internal/cli"
)

type manualCommand struct {
	Out string `required:"" help:"Folder for the man page and the completions." type:"path"`
}

// Run writes the man page, and a script for each shell that completes the commands
// of an aftercall on the PATH.
func (c manualCommand) Run() error {
	model, err := cli.Model()
	if err != nil {
		return err
	}
	// Its first line is the title of the page.
	model.Help = "charges ended calls of Tencent RTC\n\n" + model.Help
	page, err := zipped(mangokong.NewManPage(1, model).Build(roff.NewDocument()))
	if err != nil {
		return err
	}
	files := map[string]string{"aftercall.1.gz": page}
	for shell, name := range map[string]string{"bash": "aftercall.bash", "zsh": "aftercall.zsh", "fish": "aftercall.fish"} {
		files[name] = cli.CompletionScript(shell, "aftercall")
	}
	if err := os.MkdirAll(c.Out, 0o755); err != nil {
		return err
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(c.Out, name), []byte(text), 0o644); err != nil {
			return fmt.Errorf("write %s: %w", name, err)
		}
	}
	return nil
}

// zipped compresses a man page, as man and Debian expect it.
func zipped(page string) (string, error) {
	var out strings.Builder
	w := gzip.NewWriter(&out)
	if _, err := w.Write([]byte(page)); err != nil {
		return "", err
	}
	if err := w.Close(); err != nil {
		return "", err
	}
	return out.String(), nil
}
