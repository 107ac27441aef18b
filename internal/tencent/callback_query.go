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
}

// ParseQuery parses a raw URL query. If a parameter occurs more than once, its
// first value that is not empty counts. Values with an invalid encoding are
// ignored.
func ParseQuery(raw string) Query {
	var q Query
	for raw != "" {
		var pair string
		pair, raw, _ = strings.Cut(raw, "&")
		name, value, _ := strings.Cut(pair, "=")
		field := q.field(name)
		if field == nil || *field != "" || strings.Contains(value, ";") {
			continue
		}
		if text, err := url.QueryUnescape(value); err == nil {
			*field = text
		}
	}
	return q
}

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
	if q.sdkAppID == "" {
		return 0, &FieldError{"SdkAppid", "missing from the query"}
	}
	id, err := ParseSDKAppID(q.sdkAppID)
	if err != nil {
		return 0, &FieldError{"SdkAppid", "must be a whole number"}
	}
	return id, nil
}
