// Package keyring encrypts with AES-256-GCM under keys that have IDs, so that
// keys can be rotated: the first key of a Keyring encrypts, every key decrypts.
package keyring

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

// keySize is the key size of AES-256 in bytes.
const keySize = 32

// Keyring is a list of encryption keys, the newest first. The zero value has
// none. Printing it shows only the IDs.
type Keyring struct{ keys []key }

type key struct {
	id   string
	aead cipher.AEAD
}

var idPattern = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

const format = "must be id:key, or several separated by commas, the newest first; make a key with: openssl rand -base64 32"

// Parse reads "id:base64,id:base64", the newest first, each key of 32 bytes.
// Empty text gives an empty Keyring. Errors never contain key material.
func Parse(text string) (Keyring, error) {
	var k Keyring
	if text == "" {
		return k, nil
	}
	for i, part := range strings.Split(text, ",") {
		id, encoded, found := strings.Cut(strings.TrimSpace(part), ":")
		if !found || !idPattern.MatchString(id) {
			return Keyring{}, fmt.Errorf("key %d has no ID of A-Z a-z 0-9 . _ - before its colon: %s", i+1, format)
		}
		if k.find(id) != nil {
			return Keyring{}, fmt.Errorf("key ID %s occurs twice: give each key its own ID", id)
		}
		raw, err := base64.StdEncoding.DecodeString(encoded)
		if err != nil || len(raw) != keySize {
			return Keyring{}, fmt.Errorf("key %s is not the base64 of %d bytes: make one with: openssl rand -base64 32", id, keySize)
		}
		block, err := aes.NewCipher(raw)
		if err != nil {
			return Keyring{}, fmt.Errorf("key %s: %w", id, err)
		}
		// It puts a random nonce in front of each ciphertext.
		aead, err := cipher.NewGCMWithRandomNonce(block)
		if err != nil {
			return Keyring{}, fmt.Errorf("key %s: %w", id, err)
		}
		k.keys = append(k.keys, key{id: id, aead: aead})
	}
	return k, nil
}

// IsZero reports whether there are no keys.
func (k Keyring) IsZero() bool { return len(k.keys) == 0 }

// IDs returns the IDs of the keys, the newest first.
func (k Keyring) IDs() []string {
	ids := make([]string, len(k.keys))
	for i, key := range k.keys {
		ids[i] = key.id
	}
	return ids
}

func (k Keyring) find(id string) cipher.AEAD {
	for _, key := range k.keys {
		if key.id == id {
			return key.aead
		}
	}
	return nil
}

// Newest returns the ID of the key that Seal uses. The Keyring must not be empty.
func (k Keyring) Newest() string { return k.keys[0].id }

// Seal encrypts plain under the newest key. The Keyring must not be empty.
// associated is authenticated but not part of the result: Open needs the same
// bytes.
func (k Keyring) Seal(plain, associated []byte) []byte {
	return k.keys[0].aead.Seal(nil, nil, plain, associated) //nolint:gosec // the AEAD makes its own nonce: see Parse
}

// UnknownKeyError reports a key ID that is not in the Keyring.
type UnknownKeyError struct{ ID string }

// Error names the key ID.
func (e *UnknownKeyError) Error() string { return fmt.Sprintf("unknown key %q", e.ID) }

// Open decrypts what Seal encrypted under the key with the given ID. The error
// is an *UnknownKeyError if there is no such key.
func (k Keyring) Open(id string, sealed, associated []byte) ([]byte, error) {
	aead := k.find(id)
	if aead == nil {
		return nil, &UnknownKeyError{ID: id}
	}
	plain, err := aead.Open(nil, nil, sealed, associated)
	if err != nil {
		return nil, errors.New("key " + id + " does not match, or the encrypted data was changed")
	}
	return plain, nil
}

// UnmarshalText implements encoding.TextUnmarshaler as Parse does.
func (k *Keyring) UnmarshalText(text []byte) error {
	parsed, err := Parse(string(text))
	if err == nil {
		*k = parsed
	}
	return err
}

// String returns the IDs, separated by commas.
func (k Keyring) String() string { return strings.Join(k.IDs(), ",") }

// Format prints String for every verb.
func (k Keyring) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, k.String()) }

// LogValue implements slog.LogValuer with the IDs.
func (k Keyring) LogValue() slog.Value { return slog.StringValue(k.String()) }

// MarshalText implements encoding.TextMarshaler with the IDs, so JSON shows no keys.
func (k Keyring) MarshalText() ([]byte, error) { return []byte(k.String()), nil }
