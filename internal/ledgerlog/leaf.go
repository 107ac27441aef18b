package ledgerlog

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/transparency-dev/merkle/rfc6962"
)

// Hash is a SHA-256 of the tree.
type Hash [HashSize]byte

// HashSize is the size of a Hash in bytes.
const HashSize = 32

// String is the base64 of the hash.
func (h Hash) String() string { return base64.StdEncoding.EncodeToString(h[:]) }

// MarshalText writes the base64 of the hash.
func (h Hash) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (h *Hash) UnmarshalText(text []byte) error {
	raw, err := base64.StdEncoding.DecodeString(string(text))
	if err != nil || len(raw) != HashSize {
		return fmt.Errorf("%q is not the base64 of a SHA-256", text)
	}
	copy(h[:], raw)
	return nil
}

// Field is a column of an entry.
type Field struct {
	Name string
	// Text is the value; that of a number is decimal.
	Text string
	// Number only says how the value is written in JSON.
	Number bool
}

// Fields are the columns of an entry in the order of its leaf. A column that is
// NULL is left out, and so is a column that was added to the ledger later, where
// an entry has its zero value: a new column does not change the leaves of old
// entries. In JSON they are an object whose members keep their order.
type Fields []Field

// leafHeader tells versions of the canonical form apart, and its leaves from
// other signed or hashed texts.
const leafHeader = "aftercall ledger entry 1\n"

// Leaf is the canonical form of an entry: a header, and a line for each column
// with its name, the length of its value in bytes, and the value.
func (f Fields) Leaf() []byte {
	size := len(leafHeader)
	for _, field := range f {
		size += len(field.Name) + len(field.Text) + len(" 1000000000 \n")
	}
	leaf := append(make([]byte, 0, size), leafHeader...)
	for _, field := range f {
		leaf = append(leaf, field.Name...)
		leaf = append(leaf, ' ')
		leaf = strconv.AppendInt(leaf, int64(len(field.Text)), 10)
		leaf = append(leaf, ' ')
		leaf = append(leaf, field.Text...)
		leaf = append(leaf, '\n')
	}
	return leaf
}

// Hash is the hash of the leaf in the tree.
func (f Fields) Hash() Hash { return Hash(rfc6962.DefaultHasher.HashLeaf(f.Leaf())) }

// Get is the value of a column, empty if there is none.
func (f Fields) Get(name string) string {
	for _, field := range f {
		if field.Name == name {
			return field.Text
		}
	}
	return ""
}

// MarshalJSON writes an object.
func (f Fields) MarshalJSON() ([]byte, error) {
	b := bytes.NewBufferString("{")
	for i, field := range f {
		if i > 0 {
			b.WriteByte(',')
		}
		name, err := json.Marshal(field.Name)
		if err != nil {
			return nil, err
		}
		value := []byte(field.Text)
		if !field.Number {
			if value, err = json.Marshal(field.Text); err != nil {
				return nil, err
			}
		}
		b.Write(name)
		b.WriteByte(':')
		b.Write(value)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// UnmarshalJSON reads an object of texts and numbers, also one with columns that
// this release does not know. No name has a space or a line feed, so that a leaf has
// only one meaning: the value of a column cannot be taken for other columns.
func (f *Fields) UnmarshalJSON(text []byte) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if begin, err := d.Token(); err != nil || begin != json.Delim('{') {
		return errors.New("an entry must be an object")
	}
	*f = Fields{}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return err
		}
		value, err := d.Token()
		if err != nil {
			return err
		}
		field := Field{Name: name.(string)} //nolint:forcetypeassert // a Decoder refuses other names
		if strings.ContainsAny(field.Name, " \n") {
			return fmt.Errorf("%q is not the name of a column", field.Name)
		}
		switch v := value.(type) {
		case string:
			field.Text = v
		case json.Number:
			field.Text, field.Number = v.String(), true
		default:
			return fmt.Errorf("%s: must be a text or a number", field.Name)
		}
		*f = append(*f, field)
	}
	return nil
}
