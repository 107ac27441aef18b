package harness

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"

	"aftercall/dev/tencentsim"
	"aftercall/internal/tencent"
	"aftercall/internal/testenv/testconfig"
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

// simulators are the systems around a contestant: Tencent and the receiver of
// webhooks. Tencent accepts 200 requests a second per app, so spreading the
// calls over several apps removes that limit for all contestants alike.
type simulators struct {
	apps        int
	tencent     *tencentsim.Simulator
	webhooks    *webhookCounter
	servers     []*http.Server
	tencentURL  string
	webhooksURL string
}

func startSimulators(ctx context.Context, apps int) (*simulators, error) {
	s := &simulators{apps: apps}
	var err error
	if s.webhooks, err = newWebhookCounter(webhookSecret); err != nil {
		return nil, err
	}
	options := tencentsim.Options{}
	for i := range apps {
		options.Apps = append(options.Apps, tencentsim.App{SDKAppID: s.app(i), SecretKey: secretKey})
	}
	if s.tencent, err = tencentsim.New(ctx, options); err != nil {
		return nil, err
	}
	if s.tencentURL, err = s.serve(s.tencent); err != nil {
		return nil, errors.Join(err, s.stop())
	}
	if s.webhooksURL, err = s.serve(s.webhooks); err != nil {
		return nil, errors.Join(err, s.stop())
	}
	return s, nil
}

func (s *simulators) app(i int) tencent.SDKAppID { return firstApp + tencent.SDKAppID(i%s.apps) }

// serve serves handler on a free port and returns its URL.
func (s *simulators) serve(handler http.Handler) (string, error) {
	listener, err := net.Listen("tcp", address(0))
	if err != nil {
		return "", err
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: startTimeout}
	s.servers = append(s.servers, server)
	// It ends with an error when the server is closed.
	go func() { _ = server.Serve(listener) }()
	return "http://" + listener.Addr().String(), nil
}

func (s *simulators) stop() error {
	var errs []error
	for _, server := range s.servers {
		errs = append(errs, server.Close())
	}
	return errors.Join(append(errs, s.tencent.Close())...)
}

// callbackURL is where Tencent posts the callbacks of an app to a starter.
func callbackURL(port int, app tencent.SDKAppID) string {
	return httpURL(port) + callback.PathPrefix + callbackSecret + "?" + url.Values{
		"SdkAppid": {app.String()}, "CallbackCommand": {string(tencent.CommandAfterEndCall)}, "contenttype": {"json"},
		"ClientIP": {"203.0.113.17"}, "OptPlatform": {"iOS"},
	}.Encode()
}

// writeConfig writes the configuration file that all contestants read.
func (s *simulators) writeConfig(path string) error {
	version := testconfig.Version("0.12")
	version["max_duration"] = "6h"
	c := testconfig.Config{
		Targets: []testconfig.Map{{
			"name": "bench", "type": "webhook", "url": s.webhooksURL + hookPath, "secrets": []string{webhookSecret}, "allow_private": true,
		}},
		Tariffs: testconfig.Map{"standard": testconfig.Map{"currency": "USD", "versions": []testconfig.Map{version}}},
	}
	for i := range s.apps {
		app := testconfig.App(fmt.Sprintf("app-%d", i), uint64(s.app(i)))
		app["secret_key"], app["api"] = secretKey, s.tencentURL
		app["callback"] = testconfig.Map{"secret": callbackSecret}
		app["sweep"] = testconfig.Map{"every": "off"}
		c.Apps = append(c.Apps, app)
	}
	return c.Write(path)
}

// endedCall is a call that has ended, with its callback.
type endedCall struct {
	id      string
	app     tencent.SDKAppID
	body    []byte    // of its callback
	readyAt time.Time // when its record can be read
}
