// Package seal encrypts with AES-256-GCM under keys that have IDs, so that one
// key can take over from another: the first of them seals, any of them opens.
package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"regexp"
	"strings"
)

// keySize is that of AES-256, in bytes.
const keySize = 32

// Keys are some keys, the newest first. The zero value has none. Printing it
// shows IDs only.
type Keys struct{ list []key }

type key struct {
	id   string
	aead cipher.AEAD
}

var idPattern = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

const form = "must be id:key, or several with commas between them, the newest first; make a key with: openssl rand -base64 32"

// Parse reads "id:base64,id:base64", the newest first, each of 32 bytes. The
// empty text has no keys. No error repeats a key.
func Parse(text string) (Keys, error) {
	var k Keys
	if text == "" {
		return k, nil
	}
	for i, part := range strings.Split(text, ",") {
		id, encoded, found := strings.Cut(strings.TrimSpace(part), ":")
		if !found || !idPattern.MatchString(id) {
			return Keys{}, fmt.Errorf("key %d has no ID of A-Z a-z 0-9 . _ - before its colon: %s", i+1, form)
		}
		if k.find(id) != nil {
			return Keys{}, fmt.Errorf("key ID %s is there twice: give every key an ID of its own", id)
		}
		raw, err := base64.StdEncoding.DecodeString(encoded)
		if err != nil || len(raw) != keySize {
			return Keys{}, fmt.Errorf("key %s is not the base64 of %d bytes: make one with: openssl rand -base64 32", id, keySize)
		}
		block, err := aes.NewCipher(raw)
		if err != nil {
			return Keys{}, fmt.Errorf("key %s: %w", id, err)
		}
		// Its nonces are random and part of what it seals.
		aead, err := cipher.NewGCMWithRandomNonce(block)
		if err != nil {
			return Keys{}, fmt.Errorf("key %s: %w", id, err)
		}
		k.list = append(k.list, key{id: id, aead: aead})
	}
	return k, nil
}

// IsZero reports whether there are no keys.
func (k Keys) IsZero() bool { return len(k.list) == 0 }

// IDs are those of the keys, the newest first.
func (k Keys) IDs() []string {
	ids := make([]string, len(k.list))
	for i, key := range k.list {
		ids[i] = key.id
	}
	return ids
}

func (k Keys) find(id string) cipher.AEAD {
	for _, key := range k.list {
		if key.id == id {
			return key.aead
		}
	}
	return nil
}

// Newest is the ID of the key that Seal uses. There must be one.
func (k Keys) Newest() string { return k.list[0].id }

// Seal encrypts plain under the newest key, of which there must be one.
// associated is not part of the result, but Open fails without it.
func (k Keys) Seal(plain, associated []byte) []byte {
	return k.list[0].aead.Seal(nil, nil, plain, associated) //nolint:gosec // the nonce is its own: see Parse
}

// UnknownKeyError names a key that is needed and not there.
type UnknownKeyError struct{ ID string }

// Error names the key.
func (e *UnknownKeyError) Error() string { return fmt.Sprintf("key %q is not known", e.ID) }

// Open decrypts what Seal returned under the key id. The error is an
// *UnknownKeyError if there is no such key.
func (k Keys) Open(id string, sealed, associated []byte) ([]byte, error) {
	aead := k.find(id)
	if aead == nil {
		return nil, &UnknownKeyError{ID: id}
	}
	plain, err := aead.Open(nil, nil, sealed, associated)
	if err != nil {
		return nil, errors.New("key " + id + " does not fit, or what it sealed was changed")
	}
	return plain, nil
}

// UnmarshalText is Parse.
func (k *Keys) UnmarshalText(text []byte) error {
	parsed, err := Parse(string(text))
	if err == nil {
		*k = parsed
	}
	return err
}

// String returns the IDs.
func (k Keys) String() string { return strings.Join(k.IDs(), ",") }

// Format prints String for every verb.
func (k Keys) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, k.String()) }

// LogValue returns String.
func (k Keys) LogValue() slog.Value { return slog.StringValue(k.String()) }

// MarshalText returns String.
func (k Keys) MarshalText() ([]byte, error) { return []byte(k.String()), nil }
