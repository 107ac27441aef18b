package ledger

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestExposed(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]string{
		"postgres://a:b@db.example.com/ledger":                     "without TLS",
		"postgres://a:b@db.example.com/ledger?sslmode=disable":     "without TLS",
		"postgres://a:b@db.example.com/ledger?sslmode=allow":       "without TLS",
		"postgres://a:b@db.example.com/ledger?sslmode=prefer":      "without TLS",
		"postgres://a:b@127.0.0.1,10.0.0.1/ledger?sslmode=prefer":  "without TLS",
		"postgres://a:b@db.example.com/ledger?sslmode=require":     "without verifying its certificate",
		"postgres://a:b@db.example.com/ledger?sslmode=verify-ca":   "",
		"postgres://a:b@db.example.com/ledger?sslmode=verify-full": "",
		"postgres://a:b@127.0.0.1:5432/ledger":                     "",
		"postgres://a:b@[::1]:5432/ledger":                         "",
		"postgres://a:b@localhost/ledger":                          "",
		"postgres:///ledger?host=/var/run/postgresql":              "",
	} {
		database, err := parsePostgres(url)
		require.NoError(t, err, url)
		require.Equal(t, want, database.exposed(), url)
	}
}
