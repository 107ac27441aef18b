package tencent

import (
	"bytes"
	"compress/zlib"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
)

// DefaultUserSigLifetime is the lifetime of the signatures of a Signer.
const DefaultUserSigLifetime = 24 * time.Hour

// maxUserSigSize limits the decompressed size in DecodeUserSig, in bytes. A UserSig
// has about 300.
const maxUserSigSize = 8 << 10

// UserSig is the content of a TLSSigAPIv2 signature.
type UserSig struct {
	Version    string   `json:"TLS.ver"`
	Identifier string   `json:"TLS.identifier"`
	SDKAppID   SDKAppID `json:"TLS.sdkappid"`
	// Expire is the lifetime in seconds, Time the time of signing in Unix seconds.
	Expire int64 `json:"TLS.expire"`
	Time   int64 `json:"TLS.time"`
	// Sig is standard base64 of HMAC-SHA256 over the other fields.
	Sig string `json:"TLS.sig"`
}

// Errors of VerifyUserSig. Tencent answers 70003 and 70001 in these cases.
var (
	ErrUserSigInvalid = errors.New("UserSig is not valid")
	ErrUserSigExpired = errors.New("UserSig has expired")
)

// userSigEscape and userSigUnescape convert between standard base64 and Tencent's
// alphabet, which is not base64url of RFC 4648.
var (
	userSigEscape   = strings.NewReplacer("+", "*", "/", "-", "=", "_")
	userSigUnescape = strings.NewReplacer("*", "+", "-", "/", "_", "=")
)

// NewUserSig returns a signature for identifier that is valid for lifetime from now.
func NewUserSig(app SDKAppID, key, identifier string, now time.Time, lifetime time.Duration) (string, error) {
	sig := UserSig{
		Version:    "2.0",
		Identifier: identifier,
		SDKAppID:   app,
		Expire:     int64(lifetime / time.Second),
		Time:       now.Unix(),
	}
	sig.Sig = sig.hmac(key)
	return sig.encode()
}

func (s UserSig) hmac(key string) string {
	mac := hmac.New(sha256.New, []byte(key))
	fmt.Fprintf(mac, "TLS.identifier:%s\nTLS.sdkappid:%d\nTLS.time:%d\nTLS.expire:%d\n",
		s.Identifier, s.SDKAppID, s.Time, s.Expire)
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

func (s UserSig) encode() (string, error) {
	var deflated bytes.Buffer
	w := zlib.NewWriter(&deflated)
	if err := json.NewEncoder(w).Encode(s); err != nil {
		return "", fmt.Errorf("encode UserSig: %w", err)
	}
	if err := w.Close(); err != nil {
		return "", fmt.Errorf("deflate UserSig: %w", err)
	}
	return userSigEscape.Replace(base64.StdEncoding.EncodeToString(deflated.Bytes())), nil
}

// DecodeUserSig decodes a signature without verifying it. Errors wrap
// ErrUserSigInvalid.
func DecodeUserSig(text string) (UserSig, error) {
	var sig UserSig
	deflated, err := base64.StdEncoding.DecodeString(userSigUnescape.Replace(text))
	if err != nil {
		return sig, fmt.Errorf("%w: base64: %w", ErrUserSigInvalid, err)
	}
	r, err := zlib.NewReader(bytes.NewReader(deflated))
	if err != nil {
		return sig, fmt.Errorf("%w: zlib: %w", ErrUserSigInvalid, err)
	}
	plain, err := io.ReadAll(io.LimitReader(r, maxUserSigSize))
	if err != nil {
		return sig, fmt.Errorf("%w: zlib: %w", ErrUserSigInvalid, err)
	}
	if err := json.Unmarshal(plain, &sig); err != nil {
		return sig, fmt.Errorf("%w: JSON: %w", ErrUserSigInvalid, err)
	}
	return sig, nil
}

// VerifyUserSig decodes a signature and checks it against the app's secret key and
// the time, as Tencent does. Errors wrap ErrUserSigInvalid or ErrUserSigExpired.
func VerifyUserSig(text string, app SDKAppID, key string, now time.Time) (UserSig, error) {
	sig, err := DecodeUserSig(text)
	if err != nil {
		return sig, err
	}
	if sig.SDKAppID != app {
		return sig, fmt.Errorf("%w: made for sdkappid %s", ErrUserSigInvalid, sig.SDKAppID)
	}
	if !hmac.Equal([]byte(sig.Sig), []byte(sig.hmac(key))) {
		return sig, fmt.Errorf("%w: wrong key or altered content", ErrUserSigInvalid)
	}
	if now.Unix() > sig.Time+sig.Expire {
		return sig, ErrUserSigExpired
	}
	return sig, nil
}

// Signer makes UserSigs of one administrator account. It reuses a UserSig for half
// of its lifetime. It is safe for concurrent use.
type Signer struct {
	app        SDKAppID
	key        string
	identifier string
	now        func() time.Time

	mu      sync.Mutex
	current string
	renewAt time.Time
}

// NewSigner returns a Signer for an App administrator (usually
// "administrator") of app, with the app's secret key from the console. now is the
// time, time.Now if it is nil.
func NewSigner(app SDKAppID, key, identifier string, now func() time.Time) *Signer {
	if now == nil {
		now = time.Now
	}
	return &Signer{app: app, key: key, identifier: identifier, now: now}
}

// UserSig returns a signature that is valid for at least another twelve hours.
func (s *Signer) UserSig() (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	if s.current != "" && now.Before(s.renewAt) {
		return s.current, nil
	}
	sig, err := NewUserSig(s.app, s.key, s.identifier, now, DefaultUserSigLifetime)
	if err != nil {
		return "", err
	}
	s.current, s.renewAt = sig, now.Add(DefaultUserSigLifetime/2)
	return sig, nil
}

// Drop discards the signature used if it is still the current one, so that the
// next call of UserSig makes a new one. It is for the answer 70001.
func (s *Signer) Drop(used string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.current == used {
		s.current = ""
	}
}
