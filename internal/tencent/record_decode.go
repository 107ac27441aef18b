package tencent

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"unicode/utf8"
)

// The limits of a record's fields. They are far above what Tencent documents, and
// below what Temporal, the ledger's databases and the targets accept, so that no
// record fails there. The number of members is limited by the answer alone; what
// Temporal carries of them is shortened by FirstMembers.
const (
	// MaxTextLength is the longest text of a field or member, in bytes.
	MaxTextLength = 512
	// MaxTime is the latest time in Unix seconds: the end of the year 9999, after
	// which times cannot be encoded as JSON.
	MaxTime = 253402300799
	// MaxRawLength is how much is kept of the JSON of a record that could not be
	// read completely, in bytes.
	MaxRawLength = 8 << 10
)

// recordFieldCount is the number of fields of CallRecord.
const recordFieldCount = 11

// recordFields are the fields of CallRecord, as JSON keys.
var recordFields = [recordFieldCount]string{
	"CallId", "Caller_Account", "MediaType", "CallType", "StartTime", "EndTime", "AcceptTime",
	"CallResult", "CalleeList_Account", "RoomId", "RoomIdType",
}

// DecodeRecord decodes a call record. A field that cannot be read is left at its
// zero value and returned as a problem; the others are kept. Tencent's documented
// form is decoded directly. Everything else is decoded field by field:
//
//   - text may be a number or a boolean, which is taken digit for digit;
//   - a whole number may be text, or have the form 1.0 or 1e3;
//   - null is the same as a missing field;
//   - arrays, objects, fractions, numbers out of range, text that is not UTF-8,
//     has NUL characters or is too long, and keys that occur twice with different
//     values are problems.
//
// Problems contain no values.
func DecodeRecord(data []byte) (CallRecord, []FieldError) {
	var r CallRecord
	if json.Unmarshal(data, &r) == nil && !repeatsRecordField(data) && r.acceptable() && !bytes.Equal(bytes.TrimSpace(data), []byte("null")) {
		return r, nil
	}
	return decodeRecordByField(data)
}

// repeatsRecordField reports whether a field may occur twice. encoding/json would
// silently take the last one.
func repeatsRecordField(data []byte) bool {
	for _, quoted := range quotedRecordFields {
		if bytes.Count(data, quoted) > 1 {
			return true
		}
	}
	return false
}

var quotedRecordFields = func() (quoted [recordFieldCount][]byte) {
	for i, name := range recordFields {
		quoted[i] = []byte(`"` + name + `"`)
	}
	return quoted
}()

// acceptable reports whether the values of all fields are within their limits.
func (r *CallRecord) acceptable() bool {
	for _, t := range [...]int64{r.StartTime, r.EndTime, r.AcceptTime} {
		if t < 0 || t > MaxTime {
			return false
		}
	}
	for _, s := range [...]string{r.CallID, r.Caller, string(r.MediaType), string(r.CallType), string(r.Result), string(r.RoomID)} {
		if textProblem(s) != "" {
			return false
		}
	}
	for _, member := range r.Members {
		// An empty member may have been null.
		if member == "" || textProblem(member) != "" {
			return false
		}
	}
	return roomIDTypeProblem(int64(r.RoomIDType)) == "" && r.MembersTotal == 0 // which is not the sender's to say
}

// textProblem returns why a text is not accepted, "" if it is.
func textProblem(s string) string {
	switch {
	case len(s) > MaxTextLength:
		return fmt.Sprintf("must not be longer than %d bytes", MaxTextLength)
	case strings.IndexByte(s, 0) >= 0:
		return "must not contain NUL characters"
	case !utf8.ValidString(s) || strings.ContainsRune(s, utf8.RuneError):
		return "must be valid UTF-8"
	}
	return ""
}

func roomIDTypeProblem(n int64) string {
	if n < math.MinInt32 || n > math.MaxInt32 {
		return "is out of range"
	}
	return ""
}

func timeProblem(n int64) string {
	if n < 0 || n > MaxTime {
		return "is out of range: must be Unix seconds until the year 9999"
	}
	return ""
}

// decodeRecordByField decodes each field on its own.
func decodeRecordByField(data []byte) (CallRecord, []FieldError) {
	var r CallRecord
	object, err := decodeObject(data)
	if err != nil {
		return r, []FieldError{{"CallRecord", "must be an object" + butIs(data)}}
	}
	var problems []FieldError
	text := func(name string) string {
		value, problem := object.value(name)
		var s string
		if problem == "" {
			s, problem = decodeText(value)
		}
		if problem != "" {
			problems = append(problems, FieldError{name, problem})
		}
		return s
	}
	whole := func(name string, check func(int64) string) int64 {
		value, problem := object.value(name)
		var n int64
		if problem == "" {
			n, problem = decodeWhole(value)
		}
		if problem == "" {
			problem = check(n)
		}
		if problem != "" {
			problems = append(problems, FieldError{name, problem})
			return 0
		}
		return n
	}
	r.CallID = text("CallId")
	r.Caller = text("Caller_Account")
	r.MediaType = MediaType(text("MediaType"))
	r.CallType = CallType(text("CallType"))
	r.StartTime = whole("StartTime", timeProblem)
	r.EndTime = whole("EndTime", timeProblem)
	r.AcceptTime = whole("AcceptTime", timeProblem)
	r.Result = CallResult(text("CallResult"))
	members, memberProblems := decodeMembers(object)
	r.Members, problems = members, append(problems, memberProblems...)
	r.RoomID = RoomID(text("RoomId"))
	r.RoomIDType = int(whole("RoomIdType", roomIDTypeProblem))
	return r, problems
}

// decodeMembers decodes the member list, each member on its own.
func decodeMembers(object jsonObject) ([]string, []FieldError) {
	const name = "CalleeList_Account"
	value, problem := object.value(name)
	if problem != "" {
		return nil, []FieldError{{name, problem}}
	}
	if isNull(value) {
		return nil, nil
	}
	var elements []json.RawMessage
	if value[0] != '[' || json.Unmarshal(value, &elements) != nil {
		return nil, []FieldError{{name, "must be a list" + butIs(value)}}
	}
	members := make([]string, 0, len(elements))
	var problems []FieldError
	for i, element := range elements {
		member, problem := decodeText(element)
		if isNull(element) {
			problem = "must not be null"
		}
		if problem != "" {
			// One problem for each of the first members is enough to see why.
			if len(problems) < maxMemberProblems {
				problems = append(problems, FieldError{fmt.Sprintf("%s[%d]", name, i), problem})
			}
			continue
		}
		members = append(members, member)
	}
	return members, problems
}

const maxMemberProblems = 10

// UnreadableRecordError reports a record that Tencent has, but that could not be
// read completely. Another attempt would not change it: a person must decide.
type UnreadableRecordError struct {
	// API is the path of the request, RequestID that of the answer.
	API       string
	RequestID string
	// Record holds the fields that could be read. Its CallID is the one that was
	// asked for.
	Record CallRecord
	// Problems are the fields that could not be read. Never empty.
	Problems []FieldError
	// Raw is Tencent's JSON, at most MaxRawLength bytes. It may contain accounts:
	// keep it out of logs, search attributes and messages.
	Raw string
}

// Error names the fields and their problems, without their values.
func (e *UnreadableRecordError) Error() string {
	return fmt.Sprintf("%s: the record cannot be read: %s, RequestId %s", e.API, DescribeProblems(e.Problems), e.RequestID)
}

// UnreadableAnswerError reports an answer that reports success, but whose content
// is not of the documented form. It is not an outage: another attempt would
// probably get the same answer.
type UnreadableAnswerError struct {
	API       string
	RequestID string
	Problem   FieldError
}

// Error names the field and its problem, without its value.
func (e *UnreadableAnswerError) Error() string {
	return fmt.Sprintf("%s: the answer cannot be read: %s, RequestId %s", e.API, e.Problem.Error(), e.RequestID)
}

// DescribeProblems lists problems in one line, without values.
func DescribeProblems(problems []FieldError) string {
	texts := make([]string, len(problems))
	for i := range problems {
		texts[i] = problems[i].Error()
	}
	return strings.Join(texts, "; ")
}

// rawText returns data for a person to read: valid UTF-8, at most MaxRawLength
// bytes.
func rawText(data []byte) string {
	cut := len(data) > MaxRawLength
	if cut {
		data = data[:MaxRawLength-len("…")]
	}
	text := strings.ToValidUTF8(string(data), "\uFFFD")
	for cut && len(text) > MaxRawLength-len("…") {
		_, size := utf8.DecodeLastRuneInString(text)
		text = text[:len(text)-size]
	}
	if cut {
		text += "…"
	}
	return text
}

// hashJSON identifies a row by its content: 32 hexadecimal digits, the same for
// JSON that differs only in white space.
func hashJSON(data []byte) string {
	var compact bytes.Buffer
	if json.Compact(&compact, data) == nil {
		data = compact.Bytes()
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:16])
}

var errNotAnObject = errors.New("not a JSON object")
