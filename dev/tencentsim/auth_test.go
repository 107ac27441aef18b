package tencentsim

import (
	"fmt"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestChecks breaks one thing at a time in a valid request.
func TestChecks(t *testing.T) {
	with := func(name string, values ...string) func(url.Values) {
		return func(q url.Values) {
			if q.Del(name); len(values) > 0 {
				q[name] = values
			}
		}
	}
	sig := func(app int, key, identifier string, at int64) func(url.Values) {
		return with("usersig", handSig(app, key, identifier, at, 86400))
	}
	good := handSig(testApp, testKey, "administrator", testEpoch, 86400)
	tests := map[string]struct {
		method, path string
		change       func(url.Values)
		body         string
		code         int
	}{
		"valid":                      {code: 100301},
		"random 0":                   {change: with("random", "0"), code: 100301},
		"GET":                        {method: http.MethodGet, code: 60002},
		"PUT":                        {method: http.MethodPut, code: 60002},
		"unknown path":               {path: "/v4/call_config/forget_callback", code: 60009},
		"path of v1":                 {path: "/v1/call_config/get_callback", code: 60009},
		"trailing slash":             {path: pathGet + "/", code: 60009},
		"root":                       {path: "/", code: 60009},
		"contenttype missing":        {change: with("contenttype"), code: 60002},
		"contenttype xml":            {change: with("contenttype", "xml"), code: 60002},
		"random missing":             {change: with("random"), code: 60002},
		"random negative":            {change: with("random", "-1"), code: 60002},
		"random of 33 bits":          {change: with("random", "4294967296"), code: 60002},
		"random a word":              {change: with("random", "four"), code: 60002},
		"sdkappid missing":           {change: with("sdkappid"), code: 60012},
		"sdkappid a word":            {change: with("sdkappid", "clinic"), code: 60012},
		"sdkappid unknown":           {change: with("sdkappid", "1499999999"), code: 70020},
		"identifier missing":         {change: with("identifier"), code: 60004},
		"usersig missing":            {change: with("usersig"), code: 70003},
		"usersig cut off":            {change: with("usersig", good[:len(good)/2]), code: 70003},
		"usersig in base64url":       {change: with("usersig", "eJyrVgrxCdYrSy1SslIy0jNQ0g=="), code: 70003},
		"usersig of another app":     {change: sig(otherApp, otherKey, "administrator", testEpoch), code: 70014},
		"usersig of another account": {change: sig(testApp, testKey, "doctor-17", testEpoch), code: 70013},
		"usersig with another key":   {change: sig(testApp, otherKey, "administrator", testEpoch), code: 70009},
		"usersig still good":         {change: sig(testApp, testKey, "administrator", testEpoch-86400), code: 100301},
		"usersig expired":            {change: sig(testApp, testKey, "administrator", testEpoch-86401), code: 70001},
		"expired and wrong key":      {change: sig(testApp, otherKey, "administrator", testEpoch-86401), code: 70009},
		"body empty":                 {body: "-", code: 60003},
		"body only spaces":           {body: " \n", code: 60003},
		"body not JSON":              {body: "{", code: 60003},
		"body an array":              {body: "[]", code: 60003},
		"body null":                  {body: "null", code: 60003},
		"body with something behind": {body: "{} {}", code: 60003},
		"body with spaces around":    {body: " {} \n", code: 100301},
		"identifier not administrator": {change: func(q url.Values) {
			q.Set("identifier", "doctor-17")
			q.Set("usersig", handSig(testApp, testKey, "doctor-17", testEpoch, 86400))
		}, code: 60010},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r := newFixture(t)
			q := query(testApp, testKey)
			if tt.change != nil {
				tt.change(q)
			}
			body := orDefault(tt.body, "{}")
			if body == "-" {
				body = ""
			}
			a := r.do(orDefault(tt.method, http.MethodPost), orDefault(tt.path, pathGet), q, body)
			require.Equal(t, tt.code, a.ErrorCode, a.ErrorInfo)
		})
	}
}

func TestBrokenQuery(t *testing.T) {
	r := newFixture(t)
	status, data, err := r.raw(http.MethodPost, pathGet+"?sdkappid=%zz", "{}")
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, status)
	require.Contains(t, string(data), `"ErrorCode":60002`)
}

func TestAdministratorOfAnApp(t *testing.T) {
	r := newFixture(t, func(o *Options) { o.Apps[0].Administrator = "backend" })
	require.Equal(t, 60010, r.post(pathGet, "{}").ErrorCode, "the default account is not this app's administrator")
	q := query(testApp, testKey)
	q.Set("identifier", "backend")
	q.Set("usersig", handSig(testApp, testKey, "backend", testEpoch, 60))
	require.Equal(t, 100301, r.do(http.MethodPost, pathGet, q, "{}").ErrorCode)
}

// TestUserSigExpiresByTheWallClock makes sure that moving the clock of the
// calls does not expire signatures.
func TestUserSigExpiresByTheWallClock(t *testing.T) {
	r := newFixture(t)
	r.now.move(30 * 24 * time.Hour)
	require.Equal(t, 100301, r.post(pathGet, "{}").ErrorCode)
	r.wall.move(24*time.Hour + time.Second)
	require.Equal(t, 70001, r.post(pathGet, "{}").ErrorCode)
}

// TestRateLimit admits 200 requests a second, per API and app.
func TestRateLimit(t *testing.T) {
	r := newFixture(t)
	for i := range 200 {
		require.Equal(t, 100301, r.post(pathGet, "{}").ErrorCode, i)
	}
	require.Equal(t, 60007, r.post(pathGet, "{}").ErrorCode)
	require.Equal(t, 101004, r.post(pathInfo, `{"CallId":"x"}`).ErrorCode, "another API has its own limit")
	require.Equal(t, 100301, r.do(http.MethodPost, pathGet, query(otherApp, otherKey), "{}").ErrorCode, "another app too")
	unsigned := query(testApp, testKey)
	unsigned.Del("usersig")
	require.Equal(t, 70003, r.do(http.MethodPost, pathGet, unsigned, "{}").ErrorCode, "refused before the limit")

	r.wall.move(999 * time.Millisecond)
	require.Equal(t, 60007, r.post(pathGet, "{}").ErrorCode)
	r.wall.move(time.Millisecond)
	require.Equal(t, 100301, r.post(pathGet, "{}").ErrorCode)

	stats := r.sim.Stats().API(testApp, APIGetCallback)
	require.Equal(t, 204, stats.Requests)
	require.Equal(t, "map[60007:2 70003:1 100301:201]", fmt.Sprint(stats.Codes))
	require.Equal(t, 200, stats.MaxAdmittedPerSecond)
	require.Equal(t, 203, stats.MaxReceivedPerSecond, "200, two refused by the limit and one unsigned")

	r.sim.ResetStats()
	require.Zero(t, r.sim.Stats().API(testApp, APIGetCallback).Requests)
	for range 199 {
		require.Equal(t, 100301, r.post(pathGet, "{}").ErrorCode)
	}
	require.Equal(t, 60007, r.post(pathGet, "{}").ErrorCode, "resetting the counts does not reset the limit")
}

func TestStatsWithoutAnApp(t *testing.T) {
	r := newFixture(t)
	r.do(http.MethodPost, "/v4/nothing", query(testApp, testKey), "{}")
	q := query(testApp, testKey)
	q.Set("sdkappid", "1499999999")
	r.do(http.MethodPost, pathGet, q, "{}")
	stats := r.sim.Stats()
	require.Equal(t, "map[60009:1]", fmt.Sprint(stats.API(0, "unknown").Codes))
	require.Equal(t, "map[70020:1]", fmt.Sprint(stats.API(0, APIGetCallback).Codes))
	require.Len(t, stats.APIs, 2)
}

func TestOptionsAreChecked(t *testing.T) {
	app := App{SDKAppID: testApp, SecretKey: testKey}
	tests := map[string]struct {
		apps []App
		want string
	}{
		"none":   {nil, "at least one"},
		"zero":   {[]App{{SecretKey: testKey}}, "must not be 0"},
		"no key": {[]App{{SDKAppID: testApp}}, "needs a SecretKey"},
		"twice":  {[]App{app, app}, "listed twice"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := New(t.Context(), Options{Apps: tt.apps})
			require.ErrorContains(t, err, tt.want)
		})
	}
}
