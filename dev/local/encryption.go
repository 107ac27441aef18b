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

// Encryption is how a stack encrypts what Temporal stores. It is kept in the
// state folder, next to what it encrypted.
type Encryption struct {
	Keys  string `json:"payload_keys"`
	Token string `json:"codec_token"`
}

const encryptionFile = "encryption.json"

// ReadEncryption finds that of the state in dir; ok is false if there is none.
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

// encrypt makes or finds the keys. Once there are keys they stay in use: what
// was encrypted must be read.
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
			return fmt.Errorf("keep the keys: %w", err)
		}
	}
	s.encryption = map[string]string{
		codec.Variable:            e.Keys,
		"AFTERCALL_CODEC_TOKEN":   e.Token,
		"AFTERCALL_CODEC_ORIGINS": httpURL(s.ports.TemporalUI),
	}
	return nil
}

// CodecURL is the codec endpoint, empty if nothing is encrypted.
func (s *Stack) CodecURL() string {
	if s.encryption == nil {
		return ""
	}
	return httpURL(s.ports.WorkerAdmin) + codec.PathPrefix
}
