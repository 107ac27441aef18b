package local

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"aftercall/internal/codec"
)

// Encryption holds the keys for the payloads that Temporal stores. It is kept in
// the state folder, with the payloads.
type Encryption struct {
	Keys  string `json:"payload_keys"`
	Token string `json:"codec_token"`
}

const encryptionFile = "encryption.json"

// ReadEncryption reads the Encryption of the state in dir; ok is false if there is none.
func ReadEncryption(dir string) (e Encryption, ok bool, err error) {
	data, err := os.ReadFile(filepath.Join(dir, encryptionFile))
	if errors.Is(err, os.ErrNotExist) {
		return e, false, nil
	}
	if err != nil {
		return e, false, err
	}
	if err := json.Unmarshal(data, &e); err != nil {
		return e, false, fmt.Errorf("%s: %w", encryptionFile, err)
	}
	return e, true, nil
}

// encrypt reads the keys, or generates them if encryption is enabled. Existing keys
// are always used, because existing payloads need them.
func (s *Stack) encrypt() error {
	e, ok, err := ReadEncryption(s.dir)
	if err != nil || (!ok && !s.options.Encrypt) {
		return err
	}
	if !ok {
		var key [32]byte
		_, _ = rand.Read(key[:]) // never fails
		e = Encryption{Keys: "dev:" + base64.StdEncoding.EncodeToString(key[:]), Token: rand.Text() + rand.Text()}
		data, err := json.Marshal(e)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(s.dir, encryptionFile), data, 0o600); err != nil {
			return fmt.Errorf("store the keys: %w", err)
		}
	}
	s.encryption = map[string]string{
		codec.Variable:            e.Keys,
		"AFTERCALL_CODEC_TOKEN":   e.Token,
		"AFTERCALL_CODEC_ORIGINS": httpURL(s.ports.TemporalUI),
	}
	return nil
}

// CodecURL returns the URL of the codec server, or "" without encryption.
func (s *Stack) CodecURL() string {
	if s.encryption == nil {
		return ""
	}
	return httpURL(s.ports.WorkerAdmins[0]) + codec.PathPrefix
}
