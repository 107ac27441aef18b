package tencent

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"aftercall/internal/testenv"
)

func BenchmarkDecodeCallback(b *testing.B) {
	body := []byte(sampleBody)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := DecodeCallback(ParseQuery(endCallQuery), body); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkFingerprint(b *testing.B) {
	record := sampleRecord()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := record.Fingerprint(); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkNewUserSig is a signature; a Signer makes two a day.
func BenchmarkNewUserSig(b *testing.B) {
	now := time.Unix(1700000000, 0)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := NewUserSig(1400000000, "5bd2850fff3ecb11", "administrator", now, DefaultUserSigLifetime); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkSigner is what a request pays for its signature.
func BenchmarkSigner(b *testing.B) {
	signer := NewSigner(1400000000, "5bd2850fff3ecb11", "administrator", nil)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := signer.UserSig(); err != nil {
			b.Fatal(err)
		}
	}
}

func TestAllocations(t *testing.T) {
	record := sampleRecord()
	text, err := json.Marshal(record)
	require.NoError(t, err)
	now, token := time.Unix(1700000000, 0), "the token"
	signed := ParseQuery("SdkAppid=1400000000&RequestTime=1700000000&Sign=" + CallbackSign(token, "1700000000"))
	signer := NewSigner(1400000000, "5bd2850fff3ecb11", "administrator", nil)
	_, err = signer.UserSig()
	require.NoError(t, err)
	check := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	testenv.RequireAllocations(t, map[string]func(){
		"DecodeCallback": func() {
			_, err := DecodeCallback(ParseQuery(endCallQuery), []byte(sampleBody))
			check(err)
		},
		"DecodeRecord": func() {
			if _, problems := DecodeRecord(text); problems != nil {
				t.Fatal(problems)
			}
		},
		"Fingerprint": func() {
			_, err := record.Fingerprint()
			check(err)
		},
		"VerifyCallbackSign": func() {
			_, err := VerifyCallbackSign(signed, []string{token}, now)
			check(err)
		},
		"Signer.UserSig": func() {
			_, err := signer.UserSig()
			check(err)
		},
	})
}
