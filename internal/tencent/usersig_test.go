package tencent

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const (
	testKey = "5bd2850fff3ecb11d7c805251c51ee463a25727bddc2385f3fa8bfee1bb93b5e"
	testApp = SDKAppID(1400000000)
)

var signedAt = time.Unix(1700000000, 0)

func TestUserSigCheckVector(t *testing.T) {
	text, err := NewUserSig(testApp, testKey, "administrator", signedAt, 24*time.Hour)
	require.NoError(t, err)
	sig, err := DecodeUserSig(text)
	require.NoError(t, err)
	require.Equal(t, UserSig{
		Version: "2.0", Identifier: "administrator", SDKAppID: testApp, Expire: 86400, Time: 1700000000,
		Sig: "yLAe+w7WUeUuqbV9h/TX78u21oTGi+i9Zp1u3PpnY60=",
	}, sig)
	require.NotContains(t, text, "+")
	require.NotContains(t, text, "/")
	require.NotContains(t, text, "=")
}

func TestVerifyUserSig(t *testing.T) {
	text, err := NewUserSig(testApp, testKey, "administrator", signedAt, time.Hour)
	require.NoError(t, err)
	tests := map[string]struct {
		text string
		app  SDKAppID
		key  string
		now  time.Time
		want error
	}{
		"valid":       {text, testApp, testKey, signedAt.Add(time.Hour), nil},
		"expired":     {text, testApp, testKey, signedAt.Add(time.Hour + time.Second), ErrUserSigExpired},
		"wrong key":   {text, testApp, "other", signedAt, ErrUserSigInvalid},
		"other app":   {text, testApp + 1, testKey, signedAt, ErrUserSigInvalid},
		"not base64":  {"%%%", testApp, testKey, signedAt, ErrUserSigInvalid},
		"not zlib":    {"AAAA", testApp, testKey, signedAt, ErrUserSigInvalid},
		"cut in half": {text[:len(text)/2/4*4], testApp, testKey, signedAt, ErrUserSigInvalid},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := VerifyUserSig(tt.text, tt.app, tt.key, tt.now)
			if tt.want == nil {
				require.NoError(t, err)
				return
			}
			require.ErrorIs(t, err, tt.want)
		})
	}
}

func TestSignerRenewsAtHalfLife(t *testing.T) {
	now := signedAt
	s := NewSigner(testApp, testKey, "administrator", func() time.Time { return now })
	get := func() string {
		sig, err := s.UserSig()
		require.NoError(t, err)
		return sig
	}
	first := get()
	now = signedAt.Add(DefaultUserSigLifetime/2 - time.Second)
	require.Equal(t, first, get(), "cached before half-life")
	now = signedAt.Add(DefaultUserSigLifetime / 2)
	second := get()
	require.NotEqual(t, first, second, "renewed at half-life")
	now = now.Add(time.Second)
	s.Drop(first)
	require.Equal(t, second, get(), "dropping a signature that is no longer current changes nothing")
	s.Drop(second)
	require.NotEqual(t, second, get())
}
