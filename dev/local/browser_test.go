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

// page is a tab of a headless Chromium. The pages of the Web UI poll without
// end, so everything waits for what a person would wait for, never for the
// network to be quiet.
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
		NoSandbox(os.Geteuid() == 0). // root has none
		Set("disable-gpu").Set("disable-quic").Set("disable-background-networking").Set("disable-component-update").Set("disable-sync")
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

// size gives the window a size in pixels.
func (p *page) size(width, height int) {
	p.t.Helper()
	require.NoError(p.t, p.rod.SetViewport(&proto.EmulationSetDeviceMetricsOverride{Width: width, Height: height, DeviceScaleFactor: 1}))
}

func (p *page) open(url string) {
	p.t.Helper()
	require.NoError(p.t, p.rod.Navigate(url))
}

// eval runs a JavaScript function on the page and unpacks what it returns.
func (p *page) eval(into any, js string, args ...any) {
	p.t.Helper()
	result, err := p.rod.Eval(js, args...)
	require.NoError(p.t, err, js)
	if into != nil {
		require.NoError(p.t, result.Value.Unmarshal(into))
	}
}

// texts is what can be read on the page: its own text, that of its graphics, and
// that of the frames in which the Web UI shows Markdown.
const texts = `document.body.innerText + "\n" +
	[...document.querySelectorAll("svg text")].map(t => t.textContent).join("\n") + "\n" +
	[...document.querySelectorAll("iframe")].map(f => f.contentDocument?.body?.innerText ?? "").join("\n")`

// shows waits until the page shows every one of the texts.
func (p *page) shows(wanted ...string) {
	p.t.Helper()
	for _, text := range wanted {
		found := func() bool {
			result, err := p.rod.Eval(`text => (`+texts+`).includes(text)`, text)
			return err == nil && result.Value.Bool() // a page that is being left cannot answer
		}
		if !eventually(found) {
			var all string
			p.eval(&all, `() => `+texts)
			require.Contains(p.t, all, text)
		}
	}
}

// eventually asks until the answer is yes, or it has been too long.
func eventually(ask func() bool) bool {
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); {
		if ask() {
			return true
		}
		<-time.After(50 * time.Millisecond)
	}
	return false
}

// seen is a JavaScript function that finds the first element of a selector which
// can be seen and contains a text, and does something with it. It says whether
// there was one. The Web UI has some elements twice, for windows of other sizes.
func seen(do string) string {
	return `(selector, text) => {
		const element = [...document.querySelectorAll(selector)].find(e => e.checkVisibility() && e.innerText.includes(text))
		element?.` + do + `()
		return Boolean(element)
	}`
}

// click clicks an element by script, because a page that moves is never quiet
// enough for a mouse.
func (p *page) click(selector, text string) {
	p.t.Helper()
	require.True(p.t, eventually(func() bool {
		result, err := p.rod.Eval(seen("click"), selector, text)
		return err == nil && result.Value.Bool()
	}), "nothing to click: %s %q", selector, text)
}

// fill types a text into an element.
func (p *page) fill(selector, text string) {
	p.t.Helper()
	require.True(p.t, eventually(func() bool {
		result, err := p.rod.Eval(seen("focus"), selector, "")
		return err == nil && result.Value.Bool()
	}), "nothing to fill: %s", selector)
	require.NoError(p.t, p.rod.InsertText(text))
}

// shoot takes a picture for the documentation, if pictures are wanted.
func (p *page) shoot(name string, width, height int) {
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
