package tencent

import (
	"testing"
	"time"
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
