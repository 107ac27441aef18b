// Command browser looks at the Temporal Web UI in headless Chromium and takes
// the pictures that the documentation shows. It is a module of its own: nothing
// else needs a browser.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// shot is one picture: of which page, when it shows what it should, and how large.
type shot struct {
	url, out      string
	texts         []string
	width, height int64
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "browser:", err)
		os.Exit(1)
	}
}

func run() error {
	var s shot
	var texts string
	flag.StringVar(&s.url, "url", "", "page to open")
	flag.StringVar(&s.out, "out", "", "PNG file to write")
	flag.StringVar(&texts, "texts", "", "texts that the page must show first, separated by |")
	flag.Int64Var(&s.width, "width", 1440, "width in pixels")
	flag.Int64Var(&s.height, "height", 1000, "height in pixels")
	flag.Parse()
	if s.url == "" || s.out == "" {
		return errors.New("-url and -out are needed")
	}
	s.texts = strings.Split(texts, "|")
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	return s.take(ctx)
}

// take waits for what the page should show, not for a quiet network: the page
// of a workflow polls without end.
func (s shot) take(ctx context.Context) error {
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.NoSandbox, chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true))
	ctx, cancel := chromedp.NewExecAllocator(ctx, options...)
	defer cancel()
	ctx, cancel = chromedp.NewContext(ctx)
	defer cancel()
	ctx, cancel = context.WithTimeout(ctx, time.Minute)
	defer cancel()

	actions := []chromedp.Action{
		emulation.SetDeviceMetricsOverride(s.width, s.height, 1, false),
		chromedp.Navigate(s.url),
	}
	for _, text := range s.texts {
		actions = append(actions, chromedp.WaitVisible(`//*[contains(text(),"`+text+`")]`, chromedp.BySearch))
	}
	var png []byte
	actions = append(actions, chromedp.Sleep(time.Second), chromedp.CaptureScreenshot(&png))
	if err := chromedp.Run(ctx, actions...); err != nil {
		return fmt.Errorf("%s does not show %q: %w", s.url, s.texts, err)
	}
	if err := os.MkdirAll(filepath.Dir(s.out), 0o755); err != nil {
		return err
	}
	return os.WriteFile(s.out, png, 0o644)
}
