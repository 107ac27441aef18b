package tencent

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"aftercall/internal/untrusted"
)

// answer is an answer of the REST API that reports success.
type answer struct {
	response  json.RawMessage
	requestID string
	// sig is the UserSig of the request, which the answer may repeat.
	sig string
}

// shownID is the request ID for an error.
func (a answer) shownID() string { return untrusted.Text(a.requestID, a.sig) }

// shown is JSON of the answer for a person to read, at most MaxRawLength bytes.
func (a answer) shown(data []byte) string { return untrusted.Mask(rawText(data), a.sig) }

// maxInfoLength is how much of Tencent's message is kept, in bytes.
const maxInfoLength = 1 << 10

// wireAnswer is the documented form of an answer. D:68926
type wireAnswer struct {
	ActionStatus string
	ErrorCode    *Code
	ErrorInfo    string
	RequestID    string `json:"RequestId"`
	Response     json.RawMessage
}

// decodeAnswer decodes an answer. ErrorCode 0 is success, unless ActionStatus says
// FAIL; everything else that is JSON is an *APIError. Without an ErrorCode it is
// not an answer of Tencent's.
func decodeAnswer(api string, data []byte) (answer, error) {
	var wire wireAnswer
	data = withoutBOM(data)
	err := json.Unmarshal(data, &wire)
	if errors.As(err, new(*json.SyntaxError)) {
		if escaped := escapeControls(data); escaped != nil {
			data = escaped
			err = json.Unmarshal(data, &wire)
		}
	}
	if errors.As(err, new(*json.UnmarshalTypeError)) {
		wire, err = decodeAnswerByField(data)
	}
	if err != nil {
		return answer{}, fmt.Errorf("%s: the answer is not the documented JSON: %w", api, err)
	}
	status := strings.TrimSpace(wire.ActionStatus)
	if wire.ErrorCode == nil {
		if !strings.EqualFold(status, "OK") && !strings.EqualFold(status, "FAIL") {
			return answer{}, fmt.Errorf("%s: the answer is not the documented JSON: ErrorCode is missing", api)
		}
		wire.ErrorCode = new(Code)
	}
	if *wire.ErrorCode != CodeOK || strings.EqualFold(status, "FAIL") {
		info := wire.ErrorInfo
		if len(info) > maxInfoLength {
			info = strings.ToValidUTF8(info[:maxInfoLength], "") + "…"
		}
		return answer{}, &APIError{API: api, Code: *wire.ErrorCode, Info: info, RequestID: wire.RequestID}
	}
	if len(wire.Response) == 0 {
		wire.Response = json.RawMessage("null")
	}
	return answer{response: wire.Response, requestID: wire.RequestID}, nil
}

// decodeAnswerByField decodes each field on its own. Only ErrorCode is needed.
func decodeAnswerByField(data []byte) (wire wireAnswer, err error) {
	object, err := decodeObject(data)
	if err != nil {
		return wire, err
	}
	text := func(key string) string {
		value, problem := object.value(key)
		if problem != "" {
			return ""
		}
		s, _ := decodeText(value)
		return s
	}
	wire.ActionStatus, wire.ErrorInfo, wire.RequestID = text("ActionStatus"), text("ErrorInfo"), text("RequestId")
	value, problem := object.value("ErrorCode")
	if problem == "" && !isNull(value) {
		var code int64
		code, problem = decodeWhole(value)
		wire.ErrorCode = (*Code)(new(int(code)))
	}
	if problem != "" {
		return wire, &FieldError{"ErrorCode", problem}
	}
	if wire.Response, problem = object.value("Response"); problem != "" {
		wire.Response = nil
	}
	return wire, nil
}

// withoutBOM removes the byte order mark that some encoders put in front of UTF-8.
func withoutBOM(data []byte) []byte { return bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")) }
