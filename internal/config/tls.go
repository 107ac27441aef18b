package config

import (
	"crypto/tls"
	"fmt"
)

// keyPairProblems are those of two settings that name the files of a certificate
// and of its private key.
func keyPairProblems(certKey, certFile, keyKey, keyFile string) []Problem {
	switch {
	case certFile == "" && keyFile == "":
		return nil
	case certFile == "":
		return []Problem{{Key: keyKey, Message: "has no use without " + certKey + ": set that too, or remove this"}}
	case keyFile == "":
		return []Problem{{Key: certKey, Message: "has no use without " + keyKey + ": set that too, or remove this"}}
	}
	if _, err := tls.LoadX509KeyPair(certFile, keyFile); err != nil {
		return []Problem{{Key: certKey, Message: fmt.Sprintf(
			"cannot be used together with %s: %v; the files must be a certificate with its chain and its private key, in the PEM format", keyKey, err,
		)}}
	}
	return nil
}
