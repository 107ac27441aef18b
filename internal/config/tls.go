package config

import "aftercall/internal/redisguard"

// pairProblems are those of two settings that require each other. The files are
// read by the process that uses them: an operator may not be allowed to.
func pairProblems(certKey, certFile, keyKey, keyFile string) []Problem {
	switch {
	case certFile == "" && keyFile != "":
		return []Problem{{Key: keyKey, Message: "has no use without " + certKey + ": set that too, or remove this"}}
	case keyFile == "" && certFile != "":
		return []Problem{{Key: certKey, Message: "has no use without " + keyKey + ": set that too, or remove this"}}
	}
	return nil
}

// RedisCertificates are the files for a rediss:// connection.
func (c *Common) RedisCertificates() redisguard.Certificates {
	return redisguard.Certificates{CA: c.RedisTLSCA, Cert: c.RedisTLSCert, Key: c.RedisTLSKey}
}
