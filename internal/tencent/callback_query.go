package tencent

import (
	"net/url"
	"strings"
)

// Query holds the query parameters of a callback. Their names are matched without
// regard to case, because Tencent's documentation spells SdkAppid in three ways.
type Query struct {
	sdkAppID, command, sign, requestTime string
	// v1Command is the command of a callback of the older product generation.
	v1Command string
	// seen and conflict have a bit for each field that occurs, and that occurs more
	// than once with different values.
	seen, conflict uint8
}

const differentValues = "occurs more than once, with different values"

// ParseQuery parses a raw URL query. A parameter that occurs more than once must
// have the same value each time. A value with an invalid encoding counts as it is
// written.
func ParseQuery(raw string) Query {
	var q Query
	for raw != "" {
		var pair string
		pair, raw, _ = strings.Cut(raw, "&")
		name, value, _ := strings.Cut(pair, "=")
		if strings.IndexByte(name, '%') >= 0 {
			if text, err := url.QueryUnescape(name); err == nil {
				name = text
			}
		}
		field := q.field(name)
		if field == nil {
			continue
		}
		if text, err := url.QueryUnescape(value); err == nil {
			value = text
		}
		bit := q.bit(field)
		switch {
		case q.seen&bit == 0:
			q.seen |= bit
			*field = value
		case *field != value:
			q.conflict |= bit
		}
	}
	return q
}

// bit is the bit of a field in seen and conflict.
func (q *Query) bit(field *string) uint8 {
	for i, f := range [...]*string{&q.sdkAppID, &q.command, &q.sign, &q.requestTime, &q.v1Command} {
		if f == field {
			return 1 << i
		}
	}
	return 0
}

// conflicts reports whether a parameter occurs with different values.
func (q *Query) conflicts(field *string) bool { return q.conflict&q.bit(field) != 0 }

// field returns the field for a parameter, nil if the parameter is not used.
func (q *Query) field(name string) *string {
	switch {
	case strings.EqualFold(name, "SdkAppid"):
		return &q.sdkAppID
	case strings.EqualFold(name, "CallbackCommand"):
		return &q.command
	case strings.EqualFold(name, "command"):
		return &q.v1Command
	case strings.EqualFold(name, "Sign"):
		return &q.sign
	case strings.EqualFold(name, "RequestTime"):
		return &q.requestTime
	}
	return nil
}

// SDKAppID returns the app of the callback. The error is a *FieldError.
func (q Query) SDKAppID() (SDKAppID, error) {
	if q.conflicts(&q.sdkAppID) {
		return 0, &FieldError{"SdkAppid", differentValues}
	}
	if q.sdkAppID == "" {
		return 0, &FieldError{"SdkAppid", "missing from the query"}
	}
	id, err := ParseSDKAppID(q.sdkAppID)
	if err != nil {
		return 0, &FieldError{"SdkAppid", "must be a whole number"}
	}
	return id, nil
}
