package tencent

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// FieldError reports a field of a callback or record that is missing or invalid.
// It never contains the value.
type FieldError struct {
	Field string `json:"field"`
	// Problem continues the field's name, as in "must not be empty".
	Problem string `json:"problem"`
}

// Error returns the field and the problem.
func (e *FieldError) Error() string { return e.Field + ": " + e.Problem }

// ValidateCallID returns a *FieldError about field if callID cannot be a CallId:
// if it is empty, longer than MaxCallIDLength bytes, not UTF-8, or contains
// control characters.
func ValidateCallID(field, callID string) error {
	switch {
	case callID == "":
		return &FieldError{field, "must not be empty"}
	case len(callID) > MaxCallIDLength:
		return &FieldError{field, fmt.Sprintf("must not be longer than %d bytes", MaxCallIDLength)}
	case !utf8.ValidString(callID) || strings.ContainsRune(callID, utf8.RuneError):
		return &FieldError{field, "must be valid UTF-8"}
	case strings.IndexFunc(callID, unicode.IsControl) >= 0:
		return &FieldError{field, "must not contain control characters"}
	}
	return nil
}

var errTrailingData = errors.New("data after the JSON value")

// decodeStrictly decodes a body that must be exactly one JSON value.
func decodeStrictly(body []byte, into any) error {
	err := json.Unmarshal(body, into)
	if err == nil {
		return nil
	}
	if syntax := new(json.SyntaxError); errors.As(err, &syntax) && strings.HasSuffix(err.Error(), "after top-level value") {
		return errTrailingData
	}
	return err
}

// fieldError converts an error of encoding/json into a *FieldError for parent or a
// field of it. It does not contain values of the input, which may be account
// names.
func fieldError(parent string, err error) *FieldError {
	var typeErr *json.UnmarshalTypeError
	if !errors.As(err, &typeErr) {
		if errors.Is(err, errTrailingData) {
			return &FieldError{parent, "has " + errTrailingData.Error()}
		}
		return &FieldError{parent, "is not a JSON object"}
	}
	field := parent
	if typeErr.Field != "" {
		field = strings.TrimPrefix(parent+"."+typeErr.Field, "body.")
	}
	want := map[string]string{
		"string": "a string", "int64": "a whole number", "int": "a whole number", "slice": "a list of strings", "struct": "an object",
	}[typeErr.Type.Kind().String()]
	if want == "" {
		want = "of another type"
	}
	got, _, _ := strings.Cut(typeErr.Value, " ")
	return &FieldError{field, fmt.Sprintf("must be %s, not a JSON %s", want, got)}
}
