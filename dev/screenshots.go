package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"aftercall/dev/local"
)

type screenshotsCommand struct{}

// Run takes the pictures from a stack of its own.
func (screenshotsCommand) Run(ctx context.Context, p project) error {
	if _, err := exec.LookPath("chromium"); err != nil {
		return errors.New("chromium is not on PATH: apt-get install chromium")
	}
	o, remove, err := p.isolated(ctx)
	if err != nil {
		return err
	}
	if err := with(ctx, o, func(s *local.Stack) error {
		ran, _, err := s.RunSamples(ctx, local.Samples())
		if err != nil {
			return err
		}
		if err := shoot(ctx, p, "calls.png", s.ListLink(), 800, "Completed", ran[0].Call.Record.CallID); err != nil {
			return err
		}
		return shoot(ctx, p, "call.png", s.Link(ran[1].Followed), 1500, "charge Video", "notify crm", "Workflow Execution Completed")
	}); err != nil {
		return err
	}
	return remove()
}

// shoot takes a picture of a page after making sure that it shows the texts.
// Chromium's virtual time lets the page finish what it does on its own; a page
// of a workflow polls without end, so a quiet network cannot be waited for.
func shoot(ctx context.Context, p project, file, url string, height int, texts ...string) error {
	page, err := chromium(ctx, url, height, "--dump-dom")
	if err != nil {
		return fmt.Errorf("open %s: %w", url, err)
	}
	for _, text := range texts {
		if !strings.Contains(page, text) {
			return fmt.Errorf("%s does not show %q", url, text)
		}
	}
	out := filepath.Join(p.root, "docs", "images", file)
	if err := os.MkdirAll(filepath.Dir(out), 0o755); err != nil {
		return err
	}
	if _, err := chromium(ctx, url, height, "--screenshot="+out); err != nil {
		return fmt.Errorf("picture of %s: %w", url, err)
	}
	fmt.Fprintln(p.out, "took", out)
	return nil
}

func chromium(ctx context.Context, url string, height int, do string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	profile, err := os.MkdirTemp("", "aftercall-chromium-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(profile)
	out, err := exec.CommandContext(
		ctx, "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
		"--disable-background-networking", "--disable-component-update", "--disable-sync", "--user-data-dir="+profile,
		"--virtual-time-budget=15000", fmt.Sprintf("--window-size=1440,%d", height), do, url,
	).Output()
	return string(out), err
}
