package redisguard

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"strings"

	"github.com/redis/go-redis/v9"
)

// RefusalCure is what an operator can do about a Redis that refuses this process.
const RefusalCure = "correct user and password in REDIS_URL, the permissions of that user, or AFTERCALL_REDIS_TLS_…; see docs/security.md"

// Refused reports whether Redis works, and refuses this process: an operator must
// correct the configuration of either.
func Refused(err error) bool {
	if err == nil {
		return false
	}
	return redis.IsAuthError(err) || denied(err) ||
		// A password for a Redis that has none.
		strings.Contains(err.Error(), "without any password configured") ||
		errors.As(err, new(*tls.CertificateVerificationError)) || errors.As(err, new(tls.AlertError)) || isRemoteAlert(err) ||
		errors.As(err, new(x509.HostnameError)) || errors.As(err, new(x509.UnknownAuthorityError))
}

// denied reports whether the user may not run a command. A script has a text of
// its own for it.
func denied(err error) bool {
	return redis.IsPermissionError(err) || (err != nil && (strings.Contains(err.Error(), "ACL failure in script") || strings.Contains(err.Error(), "executing the script can't")))
}

// isRemoteAlert recognizes the refusal of this end's certificate, whose type
// crypto/tls does not export.
func isRemoteAlert(err error) bool { return strings.Contains(err.Error(), "remote error: tls:") }

// refused reports a refusal. Its cause goes to the log from time to time, because
// every command may have one.
func (g *Guard) refused(cause error) {
	g.refusals.Inc()
	g.sparse.Do(func() {
		g.logger.Error("Redis refuses this process, which continues without what it refuses: "+RefusalCure, "error", cause)
	})
}
