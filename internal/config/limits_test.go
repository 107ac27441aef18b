package config_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"aftercall/internal/config"
	"aftercall/internal/dedupe"
)

func TestSweepSettings(t *testing.T) {
	const (
		every   = "apps[0].sweep.every: must be from 10s to 24h, or off"
		settle  = "apps[0].sweep.settle: must be from 5s to 1h"
		overlap = "apps[0].sweep.overlap: must be from 1h to 72h"
		unit    = "apps[0].sweep.every: must be a duration with its unit, as in 5m, or off"
	)
	for text, want := range map[string]string{
		"every: 10s": "", "every: 24h": "", "every: off": "",
		"every: 9.9s": every, "every: 24h1s": every, "every: -1m": every, "every: 0s": unit, "every: never": unit,
		"settle: 5s": "", "settle: 1h": "", "settle: 0s": settle, "settle: 4.9s": settle, "settle: 1h1s": settle,
		"overlap: 1h": "", "overlap: 72h": "", "overlap: 0s": overlap, "overlap: 59m": overlap, "overlap: 72h1s": overlap,
	} {
		cfg, err := parse(t, replaceOnce(t, valid, "    tariff: standard", "    tariff: standard\n    sweep: {"+text+"}"))
		if want != "" {
			require.ErrorContains(t, err, want, text)
			continue
		}
		require.NoError(t, err, text)
		sweep := cfg.Apps[0].Sweep
		require.Equal(t, text == "every: off", sweep.Every == 0)
		require.Equal(t, text == "every: off", sweep.Every.String() == "off")
	}
	cfg, err := parse(t, valid)
	require.NoError(t, err)
	require.Equal(t, config.Sweep{Every: config.Interval(5 * time.Minute), Settle: 2 * time.Minute, Overlap: 6 * time.Hour}, cfg.Apps[0].Sweep, "defaults")
}

func TestDedupeWindow(t *testing.T) {
	const bad = "test.yaml:1:16: dedupe_window: must be from 1h to 192h, one day longer than Tencent keeps records; left out, it is 24h"
	for text, want := range map[string]string{"1h": "", "24h": "", "192h": "", "0s": bad, "59m59s": bad, "192h1s": bad, "-24h": bad} {
		cfg, err := parse(t, "dedupe_window: "+text+"\n"+valid)
		if want != "" {
			require.EqualError(t, err, want, text)
			continue
		}
		require.NoError(t, err, text)
		require.Equal(t, text, strings.TrimSuffix(cfg.DedupeWindow.String(), "0m0s"))
	}
	cfg, err := parse(t, valid)
	require.NoError(t, err)
	require.Equal(t, dedupe.DefaultWindow, cfg.DedupeWindow)
}

func TestRelaySettings(t *testing.T) {
	const (
		malformed = "apps[0].relay.url: must be an address such as https://calls.example.com/tencent"
		extra     = "apps[0].relay.url: must not hold a user, password, query or fragment"
		window    = "apps[0].relay.retry_window: must be from 1m to 720h"
		cooldown  = "apps[0].relay.breaker_cooldown: must be from 1s to 1h"
	)
	for text, want := range map[string]string{
		`url: "https://x.example/a"`: "", `url: "http://x.example"`: "",
		`url: "x.example"`: malformed, `url: "ftp://x.example"`: malformed, `url: "https://:443"`: malformed, `url: "https://x.example/%zz"`: malformed,
		`url: "https://canary@x.example"`: extra, `url: "https://x.example/?a"`: extra, `url: "https://x.example/?"`: extra, `url: "https://x.example/#a"`: extra,
		`url: "https://x.example", retry_window: 1m`: "", `url: "https://x.example", retry_window: 720h`: "",
		`url: "https://x.example", retry_window: 59s`: window, `url: "https://x.example", retry_window: 720h1s`: window,
		`url: "https://x.example", breaker_cooldown: 1s`: "", `url: "https://x.example", breaker_cooldown: 1h`: "",
		`url: "https://x.example", breaker_cooldown: 999ms`: cooldown, `url: "https://x.example", breaker_cooldown: 1h1s`: cooldown,
		`url: "http://10.1.2.3", allow_private: true`: "",
	} {
		_, err := parse(t, replaceOnce(t, valid, "    tariff: standard", "    tariff: standard\n    relay: {"+text+"}"))
		if want == "" {
			require.NoError(t, err, text)
			continue
		}
		require.ErrorContains(t, err, want, text)
		require.NotContains(t, err.Error(), "canary")
	}
}

func TestAddressesOfAnApp(t *testing.T) {
	const (
		base = "apps[0].callback.base_url: must be an address such as https://calls.example.com, without user, query and fragment"
		api  = "apps[0].api: must be a region or a base URL such as https://console.tim.qq.com, without user, query and fragment"
	)
	for _, address := range []string{"https://:443", "https://canary@x.example", "https://x.example?a=1", "https://x.example#a", "https://x.example/%zz"} {
		_, err := parse(t, replaceOnce(t, valid, "    callback:\n", "    callback:\n      base_url: "+address+"\n"))
		require.ErrorContains(t, err, base, address)
		_, err = parse(t, replaceOnce(t, valid, "api: singapore", "api: "+address))
		require.ErrorContains(t, err, api, address)
	}
	for _, address := range []string{"x.example", "ftp://x.example"} {
		_, err := parse(t, replaceOnce(t, valid, "    callback:\n", "    callback:\n      base_url: "+address+"\n"))
		require.ErrorContains(t, err, base, address)
	}
	for _, address := range []string{"https://x.example", "http://x.example:8080/path"} {
		_, err := parse(t, replaceOnce(t, valid, "    callback:\n", "    callback:\n      base_url: "+address+"\n"))
		require.NoError(t, err, address)
	}
}
