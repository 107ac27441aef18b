package codec

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/converter"
	"google.golang.org/protobuf/encoding/protojson"

	commonpb "go.temporal.io/api/common/v1"

	"aftercall/internal/keyring"
)

const (
	testToken  = "a token that cannot be guessed"
	testOrigin = "https://temporal.example.com"
)

func newTestHandler(t *testing.T) (http.Handler, keyring.Keyring) {
	t.Helper()
	k, err := keyring.Parse("new:bmV3IGtleSBuZXcga2V5IG5ldyBrZXkgbmV3IGtleSE=")
	require.NoError(t, err)
	return NewHandler(k, Access{Token: testToken, Origins: []string{testOrigin}}, prometheus.NewRegistry(), slog.New(slog.DiscardHandler)), k
}

func body(t *testing.T, payload *commonpb.Payload) string {
	t.Helper()
	b, err := protojson.Marshal(&commonpb.Payloads{Payloads: []*commonpb.Payload{payload}})
	require.NoError(t, err)
	return string(b)
}

// send sends a request; headers are pairs of name and value.
func send(h http.Handler, method, path, body string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestEndpoint(t *testing.T) {
	h, keys := newTestHandler(t)
	data := NewDataConverter(keys)
	sealed, err := data.ToPayload("alice")
	require.NoError(t, err)

	w := send(h, http.MethodPost, "/codec/decode", body(t, sealed), "Authorization", "Bearer "+testToken)
	require.Equal(t, http.StatusOK, w.Code)
	require.Equal(t, "no-store", w.Header().Get("Cache-Control"))
	var decoded commonpb.Payloads
	require.NoError(t, protojson.Unmarshal(w.Body.Bytes(), &decoded))
	require.Equal(t, `"alice"`, string(decoded.Payloads[0].Data))

	// The CLI and the Web UI have their inputs encrypted.
	plain, err := converter.GetDefaultDataConverter().ToPayload("bob")
	require.NoError(t, err)
	w = send(h, http.MethodPost, "/codec/encode", body(t, plain), "Authorization", "Bearer "+testToken)
	require.Equal(t, http.StatusOK, w.Code)
	var encoded commonpb.Payloads
	require.NoError(t, protojson.Unmarshal(w.Body.Bytes(), &encoded))
	var text string
	require.NoError(t, data.FromPayload(encoded.Payloads[0], &text))
	require.Equal(t, "bob", text)
	require.Equal(t, Encoding, string(encoded.Payloads[0].Metadata[converter.MetadataEncoding]))
}

func TestEndpointRefuses(t *testing.T) {
	h, keys := newTestHandler(t)
	sealed, err := NewDataConverter(keys).ToPayload("alice")
	require.NoError(t, err)
	for name, headers := range map[string][]string{
		"nothing":      nil,
		"wrong token":  {"Authorization", "Bearer " + testToken[1:]},
		"empty token":  {"Authorization", "Bearer "},
		"other scheme": {"Authorization", "Basic " + testToken},
		"bad cookie":   {"Cookie", cookieName + "=99999999999.00"},
		"no cookie":    {"Cookie", cookieName + "="},
	} {
		w := send(h, http.MethodPost, "/codec/decode", body(t, sealed), append(headers, "Origin", testOrigin)...)
		require.Equal(t, http.StatusUnauthorized, w.Code, name)
		require.NotContains(t, w.Body.String(), "alice", name)
		require.Equal(t, testOrigin, w.Header().Get("Access-Control-Allow-Origin"), "the page may read the refusal")
	}
	require.Equal(t, http.StatusMethodNotAllowed, send(h, http.MethodGet, "/codec/decode", "").Code)
	foreign, err := keyring.Parse("other:b2xkIGtleSBvbGQga2V5IG9sZCBrZXkgb2xkIGtleSE=")
	require.NoError(t, err)
	sealed, err = NewDataConverter(foreign).ToPayload("alice")
	require.NoError(t, err)
	w := send(h, http.MethodPost, "/codec/decode", body(t, sealed), "Authorization", "Bearer "+testToken)
	require.Equal(t, http.StatusBadRequest, w.Code)
	require.Contains(t, w.Body.String(), `key "other", which is not in AFTERCALL_PAYLOAD_KEYS`)
}

func TestCORSAllowsConfiguredOriginsOnly(t *testing.T) {
	h, _ := newTestHandler(t)
	for origin, allowed := range map[string]bool{
		testOrigin:                        true,
		"":                                false,
		"null":                            false,
		"http://temporal.example.com":     false,
		"https://temporal.example.com:1":  false,
		"https://temporal.example.com.eu": false,
		"https://x.temporal.example.com":  false,
	} {
		w := send(h, http.MethodOptions, "/codec/decode", "", "Origin", origin,
			"Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "authorization,content-type,x-namespace")
		require.Equal(t, http.StatusNoContent, w.Code)
		require.Equal(t, "Origin", w.Header().Get("Vary"))
		if !allowed {
			require.Empty(t, w.Header().Get("Access-Control-Allow-Origin"), origin)
			require.Empty(t, w.Header().Get("Access-Control-Allow-Credentials"), origin)
			continue
		}
		require.Equal(t, origin, w.Header().Get("Access-Control-Allow-Origin"))
		require.Equal(t, "true", w.Header().Get("Access-Control-Allow-Credentials"))
		require.Equal(t, "POST", w.Header().Get("Access-Control-Allow-Methods"))
		for _, header := range []string{"Authorization", "Content-Type", "X-Namespace"} {
			require.Contains(t, w.Header().Get("Access-Control-Allow-Headers"), header)
		}
	}
}

func TestLogin(t *testing.T) {
	k, err := keyring.Parse("new:bmV3IGtleSBuZXcga2V5IG5ldyBrZXkgbmV3IGtleSE=")
	require.NoError(t, err)
	sealed, err := NewDataConverter(k).ToPayload("alice")
	require.NoError(t, err)
	h := NewHandler(k, Access{Token: testToken, Origins: []string{testOrigin}}, prometheus.NewRegistry(), slog.New(slog.DiscardHandler))

	require.Contains(t, send(h, http.MethodGet, "/codec/", "").Body.String(), "Codec token")
	login := func(h http.Handler, token string) *httptest.ResponseRecorder {
		return send(h, http.MethodPost, "/codec/", url.Values{"token": {token}}.Encode(), "Content-Type", "application/x-www-form-urlencoded")
	}
	refused := login(h, "wrong")
	require.Equal(t, http.StatusUnauthorized, refused.Code)
	require.Empty(t, refused.Result().Cookies())

	cookie := login(h, testToken).Result().Cookies()[0]
	require.True(t, cookie.HttpOnly && cookie.Secure)
	require.Equal(t, http.SameSiteStrictMode, cookie.SameSite)
	require.NotContains(t, cookie.Value, testToken)
	with := func(h http.Handler, value string) int {
		return send(h, http.MethodPost, "/codec/decode", body(t, sealed), "Cookie", cookieName+"="+value, "Origin", testOrigin).Code
	}
	require.Equal(t, http.StatusOK, with(h, cookie.Value))
	require.Equal(t, http.StatusUnauthorized, with(h, "9"+cookie.Value), "a changed expiry does not match the signature")
	other := NewHandler(k, Access{Token: testToken + "!", Origins: []string{testOrigin}}, prometheus.NewRegistry(), slog.New(slog.DiscardHandler))
	require.Equal(t, http.StatusUnauthorized, with(other, cookie.Value), "a new token invalidates old cookies")

	e := &endpoint{now: func() time.Time { return time.Now().Add(cookieAge + time.Minute) }}
	e.tokenHash = newEndpoint(k, Access{Token: testToken}, prometheus.NewRegistry(), slog.New(slog.DiscardHandler)).tokenHash
	r := httptest.NewRequest(http.MethodPost, "/codec/decode", nil)
	r.AddCookie(cookie)
	require.False(t, e.hasCookie(r), "it expires")
	e.now = time.Now
	require.True(t, e.hasCookie(r))
}

// TestLargeBodies has bodies of few bytes that would need much memory.
func TestLargeBodies(t *testing.T) {
	h, _ := newTestHandler(t)
	for name, text := range map[string]string{
		"bytes":    `{"payloads":[{"data":"` + strings.Repeat("A", maxBodySize) + `"}]}`,
		"payloads": `{"payloads":[` + strings.Repeat(`{},`, maxParts) + `{}]}`,
		"metadata": `{"payloads":[{"metadata":{` + strings.Repeat(`"a":"",`, maxParts) + `"a":""}}]}`,
		"nesting":  strings.Repeat("[", maxParts+1),
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		w := send(h, http.MethodPost, "/codec/decode", text, "Authorization", "Bearer "+testToken)
		runtime.ReadMemStats(&after)
		require.Equal(t, http.StatusRequestEntityTooLarge, w.Code, name)
		require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(64<<20), name)
	}
}

func TestWrongTokensAreCountedAndLogged(t *testing.T) {
	keys, err := keyring.Parse("new:bmV3IGtleSBuZXcga2V5IG5ldyBrZXkgbmV3IGtleSE=")
	require.NoError(t, err)
	var log strings.Builder
	e := newEndpoint(keys, Access{Token: testToken}, prometheus.NewRegistry(), slog.New(slog.NewTextHandler(&log, nil)))
	for range 5 {
		send(http.HandlerFunc(e.convert), http.MethodPost, "/codec/decode", "{}", "Authorization", "Bearer a-wrong-token")
		send(http.HandlerFunc(e.login), http.MethodPost, "/codec/", "token=a-wrong-token", "Content-Type", "application/x-www-form-urlencoded")
	}
	require.InDelta(t, 10, testutil.ToFloat64(e.refusals.total), 0)
	require.Equal(t, 3, strings.Count(log.String(), "level=WARN"))
	require.Contains(t, log.String(), "sender=192.0.2.1")
	require.NotContains(t, log.String(), "a-wrong-token")
}
