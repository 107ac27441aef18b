package tencent

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/cockroachdb/apd/v3"
)

// jsonObject is a JSON object whose values have not been decoded, in the order of
// its keys. A key may occur more than once.
type jsonObject []jsonMember

type jsonMember struct {
	key   string
	value json.RawMessage
}

// decodeObject decodes the keys of a JSON object.
func decodeObject(data []byte) (jsonObject, error) {
	decoder := json.NewDecoder(bytes.NewReader(data))
	token, err := decoder.Token()
	if err != nil {
		return nil, err
	}
	if token != json.Delim('{') {
		return nil, errNotAnObject
	}
	var object jsonObject
	for decoder.More() {
		key, err := decoder.Token()
		if err != nil {
			return object, err
		}
		var m jsonMember
		m.key, _ = key.(string)
		if err := decoder.Decode(&m.value); err != nil {
			return append(object, m), err
		}
		object = append(object, m)
	}
	_, err = decoder.Token()
	return object, err
}

// value returns the value of a key, null if it is missing. Like encoding/json, it
// ignores the case of keys. Values that contradict each other are a problem.
func (o jsonObject) value(key string) (value json.RawMessage, problem string) {
	value = json.RawMessage("null")
	found := false
	for _, m := range o {
		if !strings.EqualFold(m.key, key) {
			continue
		}
		if found && !bytes.Equal(value, m.value) {
			return nil, "occurs more than once, with different values"
		}
		value, found = m.value, true
	}
	return value, ""
}

// escapeControls escapes the control characters in the strings of JSON. JSON does
// not permit them, but some encoders do not escape the text that users chose. It
// returns nil if there are none.
func escapeControls(data []byte) []byte {
	const digits = "0123456789abcdef"
	var escaped []byte
	inString, kept := false, 0
	for i := 0; i < len(data); i++ {
		switch c := data[i]; {
		case c == '"':
			inString = !inString
		case c == '\\' && inString:
			i++ // whatever is escaped does not end the string
		case c < ' ' && inString:
			escaped = append(append(escaped, data[kept:i]...), '\\', 'u', '0', '0', digits[c>>4], digits[c&0xF])
			kept = i + 1
		}
	}
	if kept == 0 {
		return nil
	}
	return append(escaped, data[kept:]...)
}

func isNull(value json.RawMessage) bool { return string(value) == "null" }

// jsonKind names the kind of a JSON value for a person.
func jsonKind(value []byte) string {
	value = bytes.TrimSpace(value)
	if len(value) == 0 {
		return "nothing"
	}
	switch value[0] {
	case '{':
		return "object"
	case '[':
		return "array"
	case '"':
		return "string"
	case 't', 'f':
		return "boolean"
	case 'n':
		return "null"
	default:
		return "number"
	}
}

func butIs(value []byte) string { return ", not a JSON " + jsonKind(value) }

// decodeText decodes a text. Numbers and booleans are taken as they are written,
// null is "".
func decodeText(value json.RawMessage) (text, problem string) {
	switch jsonKind(value) {
	case "null":
		return "", ""
	case "number", "boolean":
		text = string(value)
	case "string":
		if !utf8.Valid(value) {
			return "", "must be valid UTF-8"
		}
		if json.Unmarshal(value, &text) != nil {
			return "", "must be a string"
		}
	default:
		return "", "must be a string" + butIs(value)
	}
	if problem := textProblem(text); problem != "" {
		return "", problem
	}
	return text, ""
}

// maxNumberLength is the longest number that is read, in bytes. An int64 has 20.
const maxNumberLength = 64

// decodeWhole decodes a whole number, which may be written as text, with a decimal
// point, or with an exponent. It is exact. null is 0.
func decodeWhole(value json.RawMessage) (n int64, problem string) {
	const want = "must be a whole number"
	text := string(value)
	switch jsonKind(value) {
	case "null":
		return 0, ""
	case "number":
	case "string":
		if json.Unmarshal(value, &text) != nil {
			return 0, want
		}
		text = strings.TrimSpace(text)
		if jsonKind([]byte(text)) != "number" || !json.Valid([]byte(text)) {
			return 0, want + ", not other text"
		}
	default:
		return 0, want + butIs(value)
	}
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return n, ""
	}
	if len(text) > maxNumberLength {
		return 0, "is out of range"
	}
	number, _, err := apd.NewFromString(text)
	if err != nil {
		return 0, "is out of range"
	}
	number.Reduce(number) // 10e-1 is the whole number 1
	switch {
	case number.Exponent < 0:
		return 0, want + ", not a fraction"
	case number.NumDigits()+int64(number.Exponent) > 19:
		return 0, "is out of range"
	}
	if n, err = number.Int64(); err != nil {
		return 0, "is out of range"
	}
	return n, ""
}
