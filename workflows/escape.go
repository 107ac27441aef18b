package workflows

import (
	"net/url"
	"slices"
	"strings"
)

// escapeCallID makes a CallId fit for a workflow ID, which the SDK sends as a gRPC
// header that must be printable ASCII. Every other byte, and the percent sign,
// becomes % and two digits. Ordinary CallIds stay as they are.
func escapeCallID(callID string) string {
	const digits = "0123456789ABCDEF"
	first := slices.IndexFunc([]byte(callID), mustEscape)
	if first < 0 {
		return callID
	}
	var b strings.Builder
	b.WriteString(callID[:first])
	for i := first; i < len(callID); i++ {
		c := callID[i]
		if !mustEscape(c) {
			b.WriteByte(c)
			continue
		}
		b.WriteByte('%')
		b.WriteByte(digits[c>>4])
		b.WriteByte(digits[c&0xF])
	}
	return b.String()
}

func mustEscape(c byte) bool { return c < ' ' || c > '~' || c == '%' }

// unescapeCallID is the inverse of escapeCallID. A text that escapeCallID does not
// return is from before CallIds were escaped, and stays as it is.
func unescapeCallID(escaped string) string {
	if strings.IndexByte(escaped, '%') < 0 {
		return escaped
	}
	callID, err := url.PathUnescape(escaped)
	if err != nil || escapeCallID(callID) != escaped {
		return escaped
	}
	return callID
}
