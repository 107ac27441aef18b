package harness

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"aftercall/dev/tencentsim"
	"aftercall/internal/freeport"
	"aftercall/internal/tencent"
	"aftercall/starter/callback"
)

// firstApp is the SDKAppID of the first of the simulated apps.
const firstApp tencent.SDKAppID = 1400000000

const (
	secretKey      = "5bd2850fff3ecb11d7c805251c51ee463a25727bddc2385f3fa8bfee1bb93b5e"
	callbackSecret = "the-callback-path-secret-of-the-bench"
	hookPath       = "/hooks/bench"
)

var webhookSecret = "whsec_" + base64.StdEncoding.EncodeToString([]byte("the webhook secret of the bench"))

// world is what is outside of the contestants: Tencent and the receiver of
// webhooks. Tencent takes its 200 requests a second of every app; calls spread
// over several apps lift that limit for everybody alike.
type world struct {
	apps    int
	tencent *tencentsim.Simulator
	sink    *sink
	servers []*http.Server
	port    int // of Tencent
	hooks   int
}

func startWorld(ctx context.Context, apps int) (*world, error) {
	w := &world{apps: apps}
	var err error
	if w.sink, err = newSink(webhookSecret); err != nil {
		return nil, err
	}
	options := tencentsim.Options{}
	for i := range apps {
		options.Apps = append(options.Apps, tencentsim.App{SDKAppID: w.app(i), SecretKey: secretKey})
	}
	if w.tencent, err = tencentsim.New(ctx, options); err != nil {
		return nil, err
	}
	ports, err := freeport.Find(2)
	if err != nil {
		return nil, err
	}
	w.port, w.hooks = ports[0], ports[1]
	w.serve(w.port, w.tencent)
	w.serve(w.hooks, w.sink)
	return w, nil
}

func (w *world) app(i int) tencent.SDKAppID { return firstApp + tencent.SDKAppID(i%w.apps) }

func (w *world) serve(port int, handler http.Handler) {
	server := &http.Server{Addr: address(port), Handler: handler, ReadHeaderTimeout: startTimeout}
	w.servers = append(w.servers, server)
	// A listener that fails shows in the first request that nobody answers.
	go func() { _ = server.ListenAndServe() }()
}

func (w *world) stop() error {
	var errs []error
	for _, server := range w.servers {
		errs = append(errs, server.Close())
	}
	return errors.Join(append(errs, w.tencent.Close())...)
}

// callbackURL is where Tencent posts the callbacks of an app to a starter.
func callbackURL(port int, app tencent.SDKAppID) string {
	return httpURL(port) + callback.PathPrefix + callbackSecret + "?" + url.Values{
		"SdkAppid": {app.String()}, "CallbackCommand": {string(tencent.CommandAfterEndCall)}, "contenttype": {"json"},
		"ClientIP": {"203.0.113.17"}, "OptPlatform": {"iOS"},
	}.Encode()
}

// writeConfig writes the file that ours and all others read.
func (w *world) writeConfig(path string) error {
	var apps strings.Builder
	for i := range w.apps {
		fmt.Fprintf(&apps, `  - name: app-%d
    sdk_app_id: %s
    secret_key: %s
    api: %s
    callback:
      secret: %s
    tariff: standard
    sweep:
      every: off
`, i, w.app(i), secretKey, httpURL(w.port), callbackSecret)
	}
	return os.WriteFile(path, []byte("apps:\n"+apps.String()+`targets:
  - name: bench
    type: webhook
    url: `+httpURL(w.hooks)+hookPath+`
    secrets: ["`+webhookSecret+`"]
    allow_private: true
tariffs:
  standard:
    currency: USD
    versions:
      - effective_from: 2025-01-01T00:00:00Z
        max_duration: 6h
        rules:
          - rate_per_minute: 0.12
            first_interval: 60
            next_interval: 60
`), 0o600)
}

// placed is a call that has ended.
type placed struct {
	id      string
	app     tencent.SDKAppID
	body    []byte
	readyAt time.Time
}
