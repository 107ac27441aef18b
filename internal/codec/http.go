package codec

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	_ "embed"
	"encoding/hex"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gorilla/mux"
	"go.temporal.io/sdk/converter"

	"aftercall/internal/seal"
)

const (
	// PathPrefix is where the codec endpoint is served.
	PathPrefix = "/codec"
	// maxBodySize is above what a history can hold in one event many times over.
	maxBodySize = 16 << 20
	// cookieName and cookieAge are of those who gave the token to the login page.
	cookieName = "aftercall_codec"
	cookieAge  = 12 * time.Hour
)

// Access says who may use the codec endpoint.
type Access struct {
	// Token is what requests carry as a bearer token. There must be one.
	Token string
	// Origins are those of the Web UIs whose pages may ask, as in http://localhost:8233.
	Origins []string
}

type endpoint struct {
	codec   http.Handler
	origins []string
	// token is a hash, so that comparing takes the same time for any length.
	token [sha256.Size]byte
	// secure keeps the cookie from travelling in clear.
	secure bool
	now    func() time.Time
}

// NewHandler serves Temporal's codec endpoint, /codec/decode and /codec/encode,
// to those who send the token or the cookie of the login page, /codec/. That
// page is for a Web UI without a sign-on of its own, which has no token to send.
func NewHandler(keys seal.Keys, access Access) http.Handler {
	e := newEndpoint(keys, access)
	r := mux.NewRouter()
	r.HandleFunc(PathPrefix+"/", e.loginPage).Methods(http.MethodGet)
	r.HandleFunc(PathPrefix+"/", e.login).Methods(http.MethodPost)
	for _, path := range []string{PathPrefix + "/decode", PathPrefix + "/encode"} {
		r.HandleFunc(path, e.preflight).Methods(http.MethodOptions)
		r.HandleFunc(path, e.convert).Methods(http.MethodPost)
	}
	return r
}

func newEndpoint(keys seal.Keys, access Access) *endpoint {
	return &endpoint{
		codec:   converter.NewPayloadCodecHTTPHandler(New(keys)),
		origins: access.Origins,
		token:   sha256.Sum256([]byte(access.Token)),
		secure:  slices.ContainsFunc(access.Origins, func(o string) bool { return strings.HasPrefix(o, "https:") }),
		now:     time.Now,
	}
}

// allow answers the browser's question whether a page may ask: pages of the
// configured origins, no others.
func (e *endpoint) allow(w http.ResponseWriter, r *http.Request) {
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
	e.allow(w, r)
	h := w.Header()
	h.Set("Access-Control-Allow-Methods", http.MethodPost)
	h.Set("Access-Control-Allow-Headers", "Authorization, Authorization-Extras, Content-Type, X-Namespace")
	h.Set("Access-Control-Max-Age", "600")
	w.WriteHeader(http.StatusNoContent)
}

func (e *endpoint) convert(w http.ResponseWriter, r *http.Request) {
	e.allow(w, r)
	w.Header().Set("Cache-Control", "no-store")
	if !e.bearer(r) && !e.cookie(r) {
		w.Header().Set("WWW-Authenticate", "Bearer")
		http.Error(w, "send the codec token, or open "+PathPrefix+"/ in this browser once", http.StatusUnauthorized)
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxBodySize)
	e.codec.ServeHTTP(w, r)
}

func (e *endpoint) bearer(r *http.Request) bool {
	kind, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	return strings.EqualFold(kind, "Bearer") && e.isToken(token)
}

func (e *endpoint) isToken(candidate string) bool {
	hash := sha256.Sum256([]byte(candidate))
	return subtle.ConstantTimeCompare(hash[:], e.token[:]) == 1
}

//go:embed login.html
var loginHTML []byte

func (e *endpoint) loginPage(w http.ResponseWriter, _ *http.Request) { page(w, http.StatusOK) }

func page(w http.ResponseWriter, status int) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'")
	w.WriteHeader(status)
	_, _ = w.Write(loginHTML) // a browser that is gone needs no page
}

// login gives the browser a cookie that says until when, signed with the token.
// Browsers send it from the Web UI's pages only on the same site: that is the
// same domain, whatever the port.
func (e *endpoint) login(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 1<<10)
	if !e.isToken(r.PostFormValue("token")) {
		page(w, http.StatusUnauthorized)
		return
	}
	until := strconv.FormatInt(e.now().Add(cookieAge).Unix(), 10)
	http.SetCookie(w, &http.Cookie{ //nolint:gosec // Secure wherever the Web UI is: a Web UI without TLS is on this machine
		Name: cookieName, Value: until + "." + e.signature(until), Path: PathPrefix, MaxAge: int(cookieAge.Seconds()),
		HttpOnly: true, Secure: e.secure, SameSite: http.SameSiteStrictMode,
	})
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = w.Write([]byte("This browser may decode payloads for twelve hours. Go back to Temporal's Web UI.\n"))
}

func (e *endpoint) signature(until string) string {
	mac := hmac.New(sha256.New, e.token[:])
	mac.Write([]byte(until))
	return hex.EncodeToString(mac.Sum(nil))
}

func (e *endpoint) cookie(r *http.Request) bool {
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
