package local_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/go-rod/rod"
	"github.com/go-rod/rod/lib/launcher"
	"github.com/go-rod/rod/lib/proto"
	"github.com/stretchr/testify/require"

	"aftercall/internal/testenv"
)

// page is a tab of a headless Chromium. The pages of the Web UI poll all the time,
// so methods wait for visible content, never for the network to be idle.
type page struct {
	t   *testing.T
	rod *rod.Page
}

func openBrowser(t *testing.T) (*page, bool) {
	t.Helper()
	bin, ok := testenv.Program(t, "chromium", "apt-get install chromium")
	if !ok {
		return nil, false
	}
	profile, err := os.MkdirTemp("", "aftercall-chromium-")
	require.NoError(t, err)
	chromium := launcher.New().Bin(bin).UserDataDir(profile).Leakless(false).
		NoSandbox(os.Geteuid() == 0). // root cannot use the sandbox
		Set("disable-gpu").Set("hide-scrollbars").Set("disable-quic").Set("disable-background-networking").Set("disable-component-update").Set("disable-sync")
	address, err := chromium.Context(t.Context()).Launch()
	require.NoError(t, err)
	t.Cleanup(func() {
		chromium.Kill()
		chromium.Cleanup()
	})
	ctx, cancel := context.WithTimeout(t.Context(), 2*testTimeout)
	t.Cleanup(cancel)
	browser := rod.New().Context(ctx).ControlURL(address)
	require.NoError(t, browser.Connect())
	tab, err := browser.Page(proto.TargetCreateTarget{URL: "about:blank"})
	require.NoError(t, err)
	p := &page{t: t, rod: tab}
	p.size(1500, 900)
	return p, true
}

// size sets the size of the window in pixels.
func (p *page) size(width, height int) {
	p.t.Helper()
	require.NoError(p.t, p.rod.SetViewport(&proto.EmulationSetDeviceMetricsOverride{Width: width, Height: height, DeviceScaleFactor: 1}))
}

func (p *page) open(url string) {
	p.t.Helper()
	require.NoError(p.t, p.rod.Navigate(url))
}

// eval runs a JavaScript function on the page and unpacks what it returns.
func (p *page) eval(into any, js string) {
	p.t.Helper()
	result, err := p.rod.Eval(js)
	require.NoError(p.t, err, js)
	if into != nil {
		require.NoError(p.t, result.Value.Unmarshal(into))
	}
}

// pageText is a JavaScript expression for all text on the page: its own, that of
// its graphics, and that of the frames in which the Web UI shows Markdown.
const pageText = `document.body.innerText + "\n" +
	[...document.querySelectorAll("svg text")].map(t => t.textContent).join("\n") + "\n" +
	[...document.querySelectorAll("iframe")].map(f => f.contentDocument?.body?.innerText ?? "").join("\n")`

// waitForText waits until the page shows each of the texts.
func (p *page) waitForText(wanted ...string) {
	p.t.Helper()
	for _, text := range wanted {
		found := func() bool {
			result, err := p.rod.Eval(`text => (`+pageText+`).includes(text)`, text)
			return err == nil && result.Value.Bool() // an error while the page changes is not final
		}
		if !eventually(found) {
			var all string
			p.eval(&all, `() => `+pageText)
			require.Contains(p.t, all, text)
		}
	}
}

// eventually calls ask until it returns true or testTimeout is over.
func eventually(ask func() bool) bool {
	for deadline := time.Now().Add(testTimeout); time.Now().Before(deadline); {
		if ask() {
			return true
		}
		<-time.After(50 * time.Millisecond)
	}
	return false
}

// onVisible returns a JavaScript function that calls a method on the first visible
// element of a selector that contains a text, and returns whether there is one.
// The Web UI has some elements twice, for different window sizes.
func onVisible(do string) string {
	return `(selector, text) => {
		const element = [...document.querySelectorAll(selector)].find(e => e.checkVisibility() && e.innerText.includes(text))
		element?.` + do + `()
		return Boolean(element)
	}`
}

// click clicks an element by script, because elements move while the page updates.
func (p *page) click(selector, text string) {
	p.t.Helper()
	require.True(p.t, eventually(func() bool {
		result, err := p.rod.Eval(onVisible("click"), selector, text)
		return err == nil && result.Value.Bool()
	}), "nothing to click: %s %q", selector, text)
}

// fill types a text into an element.
func (p *page) fill(selector, text string) {
	p.t.Helper()
	require.True(p.t, eventually(func() bool {
		result, err := p.rod.Eval(onVisible("focus"), selector, "")
		return err == nil && result.Value.Bool()
	}), "nothing to fill: %s", selector)
	require.NoError(p.t, p.rod.InsertText(text))
}

// screenshot saves a picture for the documentation, if -screenshots is set.
func (p *page) screenshot(name string, width, height int) {
	p.t.Helper()
	if *screenshots == "" {
		return
	}
	p.size(width, height)
	require.NoError(p.t, p.rod.WaitRepaint())
	picture, err := p.rod.Screenshot(false, &proto.PageCaptureScreenshot{Format: proto.PageCaptureScreenshotFormatPng})
	require.NoError(p.t, err)
	require.NoError(p.t, os.WriteFile(filepath.Join(*screenshots, name), picture, 0o644))
}
