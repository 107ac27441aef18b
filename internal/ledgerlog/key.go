package ledgerlog

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

const (
	keyUsage       = "must be a private key that aftercall ledger new-key made: PRIVATE+KEY+ and so on"
	publicKeyUsage = "must be a public key that aftercall ledger new-key made: a name, + and so on"
)

// Key is a private Ed25519 key that signs checkpoints. The zero Key signs
// nothing. Printing it shows only the public key.
type Key struct {
	signer note.Signer
	public string
}

// NewKey makes a key. Its name is the origin of the checkpoints that it signs.
func NewKey(name string) (private, public string, err error) {
	private, public, err = note.GenerateKey(rand.Reader, name)
	if err != nil {
		return "", "", err
	}
	if _, err := note.NewVerifier(public); err != nil {
		return "", "", errors.New("the name of a key must be a word such as ledger.example.com, without + and spaces")
	}
	return private, public, nil
}

// UnmarshalText reads a private key; an empty text gives the zero Key. The error
// does not repeat the text.
func (k *Key) UnmarshalText(text []byte) error {
	*k = Key{}
	if len(text) == 0 {
		return nil
	}
	signer, err := note.NewSigner(string(text))
	if err != nil {
		return errors.New(keyUsage)
	}
	// PRIVATE+KEY+name+hash+base64; the seed follows one byte that names the algorithm.
	seed, err := base64.StdEncoding.DecodeString(strings.SplitN(string(text), "+", 5)[4])
	if err != nil || len(seed) != 1+ed25519.SeedSize {
		return errors.New(keyUsage)
	}
	public, ok := ed25519.NewKeyFromSeed(seed[1:]).Public().(ed25519.PublicKey)
	if !ok {
		return errors.New(keyUsage)
	}
	k.signer = signer
	k.public, err = note.NewEd25519VerifierKey(signer.Name(), public)
	return err
}

// IsZero reports whether there is no key.
func (k Key) IsZero() bool { return k.signer == nil }

// Origin is the origin of the checkpoints that the key signs.
func (k Key) Origin() string {
	if k.IsZero() {
		return unsignedOrigin
	}
	return k.signer.Name()
}

// Public is the key that verifies the signatures, empty if there is no key.
func (k Key) Public() string { return k.public }

// String is the public key.
func (k Key) String() string { return k.public }

// Format prints String for every verb.
func (k Key) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, k.public) }

// LogValue returns String.
func (k Key) LogValue() slog.Value { return slog.StringValue(k.public) }

// MarshalText returns String.
func (k Key) MarshalText() ([]byte, error) { return []byte(k.public), nil }

// PublicKeys are public keys that verify checkpoints.
type PublicKeys []note.Verifier

// ParsePublicKeys reads the texts of public keys. Empty ones are skipped.
func ParsePublicKeys(texts ...string) (PublicKeys, error) {
	var keys PublicKeys
	for _, text := range texts {
		if text = strings.TrimSpace(text); text == "" {
			continue
		}
		key, err := note.NewVerifier(text)
		if err != nil {
			return nil, fmt.Errorf("%q %s", text, publicKeyUsage)
		}
		keys = append(keys, key)
	}
	return keys, nil
}
