package tencent

import (
	"bytes"
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

// ValidateAccount returns a *FieldError about field if no record could have the
// account.
func ValidateAccount(field, account string) error {
	if problem := textProblem(account); problem != "" {
		return &FieldError{field, problem}
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

// syntaxError converts an error of decodeStrictly into a *FieldError for parent. It
// names the last field before the place where the JSON is wrong, without values.
func syntaxError(parent string, data []byte, err error) *FieldError {
	if errors.Is(err, errTrailingData) {
		return &FieldError{parent, "has " + errTrailingData.Error()}
	}
	problem := "is not a JSON object"
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		if field := lastField(data[:min(int(syntax.Offset), len(data))]); field != "" {
			problem += ": its syntax is wrong at or after " + field
		}
	}
	return &FieldError{parent, problem}
}

// lastField returns the documented field that is named last in data.
func lastField(data []byte) (field string) {
	last := -1
	for _, name := range append([]string{"CallbackCommand", "CallRecord", "EventTime"}, recordFields[:]...) {
		if at := bytes.LastIndex(data, []byte(`"`+name+`"`)); at > last {
			last, field = at, name
		}
	}
	return field
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
