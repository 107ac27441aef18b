package tencentsim

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// OddKind is a way in which a JSON value can differ from what Tencent documents.
type OddKind string

// The kinds of oddities.
const (
	OddMissing    OddKind = "missing"
	OddNull       OddKind = "null"
	OddEmpty      OddKind = "empty"
	OddText       OddKind = "text"
	OddAsText     OddKind = "as_text" // a number, written as text
	OddNumber     OddKind = "number"
	OddBoolean    OddKind = "boolean"
	OddArray      OddKind = "array"
	OddObject     OddKind = "object"
	OddHuge       OddKind = "huge"
	OddNegative   OddKind = "negative"
	OddFloat      OddKind = "float" // a whole number, written as 1.0
	OddFraction   OddKind = "fraction"
	OddExponent   OddKind = "exponent"
	OddOutOfRange OddKind = "out_of_range"
	OddNotUTF8    OddKind = "not_utf8"
	OddDuplicate  OddKind = "duplicate" // the key twice, with different values
)

// OddKinds are all kinds of oddities.
var OddKinds = []OddKind{
	OddMissing, OddNull, OddEmpty, OddText, OddAsText, OddNumber, OddBoolean, OddArray, OddObject, OddHuge, OddNegative,
	OddFloat, OddFraction, OddExponent, OddOutOfRange, OddNotUTF8, OddDuplicate,
}

// hugeLength is the length of a huge text in bytes. It does not fit into a callback.
const hugeLength = 100 << 10

// Oddity makes one field of a JSON object odd.
type Oddity struct {
	// Field is a key of the object, or of an object that is a value in it.
	Field string  `json:"field"`
	Kind  OddKind `json:"kind"`
}

// RecordOddities returns every kind of oddity of every field of a CallRecord.
func RecordOddities() []Oddity { return Oddities(recordFields[:]...) }

// Oddities returns every kind of oddity of the fields.
func Oddities(fields ...string) []Oddity {
	var all []Oddity
	for _, field := range fields {
		for _, kind := range OddKinds {
			all = append(all, Oddity{field, kind})
		}
	}
	return all
}

// String returns field and kind.
func (o Oddity) String() string { return o.Field + " " + string(o.Kind) }

// Validate returns an error that names the first invalid field.
func (o Oddity) Validate() error {
	switch {
	case o.Field == "":
		return errors.New("field: is missing")
	case !slices.Contains(OddKinds, o.Kind):
		return fmt.Errorf("kind: must be one of %v", OddKinds)
	}
	return nil
}

// Apply returns the object with the field made odd. An object without the field
// stays as it is.
func (o Oddity) Apply(object []byte) ([]byte, error) {
	members, err := members(object)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(members, func(m member) bool { return m.key == o.Field })
	if i < 0 {
		for j, m := range members {
			if len(m.value) > 0 && m.value[0] == '{' {
				if members[j].value, err = o.Apply(m.value); err != nil {
					return nil, err
				}
			}
		}
		return join(members), nil
	}
	switch o.Kind {
	case OddMissing:
		members = slices.Delete(members, i, i+1)
	case OddDuplicate:
		members = slices.Insert(members, i, member{o.Field, []byte(`"another"`)})
	default:
		members[i].value = o.Kind.value(members[i].value)
	}
	return join(members), nil
}

// applyAll applies oddities one after the other.
func applyAll(object []byte, oddities []Oddity) (_ []byte, err error) {
	for _, o := range oddities {
		if object, err = o.Apply(object); err != nil {
			return nil, fmt.Errorf("make %s odd: %w", o.Field, err)
		}
	}
	return object, nil
}

// value is the odd value in place of a value.
func (k OddKind) value(value []byte) []byte {
	isNumber := len(value) > 0 && (value[0] == '-' || (value[0] >= '0' && value[0] <= '9'))
	switch k {
	case OddNull:
		return []byte("null")
	case OddEmpty:
		return []byte(`""`)
	case OddAsText:
		if isNumber {
			return []byte(`"` + string(value) + `"`)
		}
		return []byte(`"another"`)
	case OddNumber:
		return []byte("144115212830834855")
	case OddBoolean:
		return []byte("true")
	case OddArray:
		return []byte("[" + string(value) + "]")
	case OddObject:
		return []byte(`{"value":` + string(value) + "}")
	case OddHuge:
		return []byte(`"` + strings.Repeat("x", hugeLength) + `"`)
	case OddNegative:
		return []byte("-1")
	case OddFloat:
		if isNumber {
			return append(slices.Clone(value), ".0"...)
		}
		return []byte("1.0")
	case OddFraction:
		return []byte("1.5")
	case OddExponent:
		if isNumber {
			return append(slices.Clone(value), "e0"...)
		}
		return []byte("1e3")
	case OddOutOfRange:
		return []byte("9223372036854775808")
	case OddNotUTF8:
		return []byte("\"\xff\"")
	default:
		return []byte(`"another"`)
	}
}

type member struct {
	key   string
	value json.RawMessage
}

// members returns the members of a JSON object in order.
func members(object []byte) ([]member, error) {
	decoder := json.NewDecoder(bytes.NewReader(object))
	if _, err := decoder.Token(); err != nil {
		return nil, err
	}
	var all []member
	for decoder.More() {
		key, err := decoder.Token()
		if err != nil {
			return nil, err
		}
		var m member
		m.key, _ = key.(string)
		if err := decoder.Decode(&m.value); err != nil {
			return nil, err
		}
		all = append(all, m)
	}
	return all, nil
}

// join returns members as a JSON object. Keys are Tencent's field names, which
// need no escaping.
func join(members []member) []byte {
	var b bytes.Buffer
	for i, m := range members {
		separator := byte(',')
		if i == 0 {
			separator = '{'
		}
		b.WriteByte(separator)
		fmt.Fprintf(&b, "%q:", m.key)
		b.Write(m.value)
	}
	if len(members) == 0 {
		b.WriteByte('{')
	}
	b.WriteByte('}')
	return b.Bytes()
}
