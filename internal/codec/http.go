package codec

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	_ "embed"
	"encoding/hex"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gorilla/mux"
	"github.com/prometheus/client_golang/prometheus"
	"go.temporal.io/sdk/converter"

	"aftercall/internal/keyring"
)

const (
	// PathPrefix is where the codec endpoint is served.
	PathPrefix = "/codec"
	// maxBodySize in bytes is above the payloads of one history event, of which
	// Temporal carries 4 MiB, in base64.
	maxBodySize = 8 << 20
	// maxParts is how many payloads and metadata a body may have. Each takes much
	// more memory than the few bytes of its JSON.
	maxParts = 50_000
	// cookieName is the cookie that the login page sets, cookieAge its lifetime.
	cookieName = "aftercall_codec"
	cookieAge  = 12 * time.Hour
)

// Access configures who may use the codec endpoint.
type Access struct {
	// Token is the bearer token that requests must carry. It must not be empty.
	Token string
	// Origins are the origins of the Web UIs that may send requests, such as
	// http://localhost:8233.
	Origins []string
}

type endpoint struct {
	codec   http.Handler
	origins []string
	// tokenHash is a hash, so that a comparison takes the same time for any length.
	tokenHash [sha256.Size]byte
	// secureCookie restricts the cookie to HTTPS.
	secureCookie bool
	now          func() time.Time
	refusals     *refusals
}

// NewHandler serves Temporal's codec endpoint, /codec/decode and /codec/encode.
// Requests need the token, or the cookie that the login page at /codec/ sets. The
// login page is for a Web UI without single sign-on, which has no token to send.
func NewHandler(keys keyring.Keyring, access Access, reg prometheus.Registerer, logger *slog.Logger) http.Handler {
	e := newEndpoint(keys, access, reg, logger)
	r := mux.NewRouter()
	r.HandleFunc(PathPrefix+"/", e.loginPage).Methods(http.MethodGet)
	r.HandleFunc(PathPrefix+"/", e.login).Methods(http.MethodPost)
	for _, path := range []string{PathPrefix + "/decode", PathPrefix + "/encode"} {
		r.HandleFunc(path, e.preflight).Methods(http.MethodOptions)
		r.HandleFunc(path, e.convert).Methods(http.MethodPost)
	}
	return r
}

func newEndpoint(keys keyring.Keyring, access Access, reg prometheus.Registerer, logger *slog.Logger) *endpoint {
	return &endpoint{
		refusals:     newRefusals(reg, logger),
		codec:        converter.NewPayloadCodecHTTPHandler(New(keys)),
		origins:      access.Origins,
		tokenHash:    sha256.Sum256([]byte(access.Token)),
		secureCookie: slices.ContainsFunc(access.Origins, func(o string) bool { return strings.HasPrefix(o, "https:") }),
		now:          time.Now,
	}
}

// setCORSHeaders lets browsers send requests from pages of the configured origins.
func (e *endpoint) setCORSHeaders(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Add("Vary", "Origin")
	origin := r.Header.Get("Origin")
	if !slices.Contains(e.origins, origin) {
		return
	}
	h.Set("Access-Control-Allow-Origin", origin)
	h.Set("Access-Control-Allow-Credentials", "true")
}

func (e *endpoint) preflight(w http.ResponseWriter, r *http.Request) {
	e.setCORSHeaders(w, r)
	h := w.Header()
	h.Set("Access-Control-Allow-Methods", http.MethodPost)
	h.Set("Access-Control-Allow-Headers", "Authorization, Authorization-Extras, Content-Type, X-Namespace")
	h.Set("Access-Control-Max-Age", "600")
	w.WriteHeader(http.StatusNoContent)
}

func (e *endpoint) convert(w http.ResponseWriter, r *http.Request) {
	e.setCORSHeaders(w, r)
	w.Header().Set("Cache-Control", "no-store")
	if !e.hasToken(r) && !e.hasCookie(r) {
		e.refusals.add(r)
		w.Header().Set("WWW-Authenticate", "Bearer")
		http.Error(w, "send the codec token, or open "+PathPrefix+"/ in this browser once", http.StatusUnauthorized)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBodySize))
	switch {
	case errors.As(err, new(*http.MaxBytesError)), parts(body) > maxParts:
		http.Error(w, "the body is too large: send the payloads in several requests", http.StatusRequestEntityTooLarge)
		return
	case err != nil:
		http.Error(w, "the body could not be read", http.StatusBadRequest)
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	e.codec.ServeHTTP(w, r)
}

// parts is at least the number of payloads and metadata in a body: base64, in
// which their content is, has none of these characters.
func parts(body []byte) int {
	return bytes.Count(body, []byte("{")) + bytes.Count(body, []byte("[")) + bytes.Count(body, []byte(","))
}

func (e *endpoint) hasToken(r *http.Request) bool {
	kind, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	return strings.EqualFold(kind, "Bearer") && e.isToken(token)
}

func (e *endpoint) isToken(candidate string) bool {
	hash := sha256.Sum256([]byte(candidate))
	return subtle.ConstantTimeCompare(hash[:], e.tokenHash[:]) == 1
}

//go:embed login.html
var loginHTML []byte

func (e *endpoint) loginPage(w http.ResponseWriter, _ *http.Request) {
	writeLoginPage(w, http.StatusOK)
}

func writeLoginPage(w http.ResponseWriter, status int) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'")
	w.WriteHeader(status)
	_, _ = w.Write(loginHTML) // nobody is left to report a broken connection to
}

// login sets a cookie that holds its expiry, signed with the token. Browsers
// send it from pages of the Web UI only if these are on the same site: the same
// domain, on any port.
func (e *endpoint) login(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 1<<10)
	if !e.isToken(r.PostFormValue("token")) {
		e.refusals.add(r)
		writeLoginPage(w, http.StatusUnauthorized)
		return
	}
	until := strconv.FormatInt(e.now().Add(cookieAge).Unix(), 10)
	http.SetCookie(w, &http.Cookie{ //nolint:gosec // Secure if an origin is: a Web UI without TLS runs on this machine
		Name: cookieName, Value: until + "." + e.signature(until), Path: PathPrefix, MaxAge: int(cookieAge.Seconds()),
		HttpOnly: true, Secure: e.secureCookie, SameSite: http.SameSiteStrictMode,
	})
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = w.Write([]byte("This browser may decode payloads for twelve hours. Go back to Temporal's Web UI.\n"))
}

func (e *endpoint) signature(until string) string {
	mac := hmac.New(sha256.New, e.tokenHash[:])
	mac.Write([]byte(until))
	return hex.EncodeToString(mac.Sum(nil))
}

func (e *endpoint) hasCookie(r *http.Request) bool {
	cookie, err := r.Cookie(cookieName)
	if err != nil {
		return false
	}
	until, signature, _ := strings.Cut(cookie.Value, ".")
	if !hmac.Equal([]byte(signature), []byte(e.signature(until))) {
		return false
	}
	unix, err := strconv.ParseInt(until, 10, 64)
	return err == nil && e.now().Before(time.Unix(unix, 0))
}
