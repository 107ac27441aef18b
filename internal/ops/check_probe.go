package ops

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"aftercall/internal/config"
	"aftercall/internal/untrusted"
	"aftercall/starter/callback"
)

// maxProbeAnswer is many times what a starter answers.
const maxProbeAnswer = 64 << 10

// probeStarter posts a probe to the callback URL, the way that Tencent's callbacks
// come, and sees it arrive at a starter.
func probeStarter(ctx context.Context, d *Deps, app *config.App) (string, error) {
	address, err := d.probeURL(ctx, app)
	if err != nil {
		return "", err
	}
	shown := callbackURL(app, address, false)
	var secrets []string // which the other end may repeat
	for _, s := range app.Callback.AllSecrets() {
		secrets = append(secrets, s.Reveal())
	}
	sent := callback.NewProbe(app.SDKAppID, app.SecretKey.Reveal(), d.now(ctx))
	start := time.Now()
	status, body, err := postProbe(ctx, sent, address, app.Callback.Token.Reveal())
	if err != nil {
		var urlErr *url.Error
		if errors.As(err, &urlErr) {
			err = urlErr.Err // the URL has the secret
		}
		return "", Errorf(Failed, "look at DNS, certificate, firewall and load balancer of that address, and whether the starter listens",
			"the probe did not arrive at %s: %w", shown, untrusted.Error(err, secrets...))
	}
	took := time.Since(start).Round(time.Millisecond)
	result, err := sent.Result(body)
	switch {
	case err != nil && status == http.StatusOK:
		return "", Errorf(Failed, "if it is a starter, it must have the same configuration as this command, and be of this release", "%s: %w", shown, err)
	case err != nil:
		return "", Errorf(Failed, "compare secret, token and secret_key of the app in the configurations of the starter and of this command; docs/callback.md says what each status means",
			"%s answered the probe with %d: %s", shown, status, untrusted.Text(string(body), secrets...))
	case result.Temporal != "":
		return "", Errorf(Failed, "look at TEMPORAL_… in the starter's environment", "the starter at %s cannot reach Temporal: %s", shown, result.Temporal)
	case result.Workers == 0:
		return "", Errorf(Failed, "give starter and worker the same AFTERCALL_TASK_QUEUE", "no worker polls the task queue in which the starter at %s starts workflows", shown)
	case result.Redis != "":
		return "", warn("look at REDIS_URL in the starter's environment", "the starter at %s answers, but cannot use Redis: %s", shown, result.Redis)
	}
	return fmt.Sprintf("%s answers in %s, reaches Temporal and Redis; workers: %d", shown, took, result.Workers), nil
}

// probeURL is where Tencent posts, or should.
func (d *Deps) probeURL(ctx context.Context, app *config.App) (string, error) {
	if address, ok := app.CallbackURL(callback.PathPrefix); ok {
		return address, nil
	}
	r, err := d.registration(ctx, app, nil)
	switch {
	case err != nil:
		return "", cannotTell("set apps[].callback.base_url", "the public address is not configured, and Tencent does not say what is registered: %w", err)
	case !r.ours():
		return "", cannotTell("set apps[].callback.base_url", "the public address is not configured, and no callback of this app is registered")
	}
	return r.registered.URL, nil
}

func postProbe(ctx context.Context, p callback.Probe, address, token string) (status int, body []byte, err error) {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	req, err := p.Request(ctx, address, token)
	if err != nil {
		return 0, nil, err
	}
	// A client of its own, as unknown to the other end as Tencent's.
	c := &http.Client{
		Transport:     &http.Transport{Proxy: http.ProxyFromEnvironment, DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	resp, err := c.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	body, err = io.ReadAll(io.LimitReader(resp.Body, maxProbeAnswer))
	return resp.StatusCode, body, err
}
