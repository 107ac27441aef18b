package tencent

import (
	"context"
	"encoding/json"
	"errors"
)

const pathRecordsByFilter = "v4/call_record_http_srv/get_record_by_filter"

// RecordFilter selects a page of an app's records. Tencent silently moves a
// StartTime that is more than seven days ago. It does not document whether the
// times select calls by start or end, the order of records, and the largest page.
// D:68931
type RecordFilter struct {
	// StartTime and EndTime are Unix seconds.
	StartTime int64 `json:"StartTime"`
	EndTime   int64 `json:"EndTime"`
	// Page counts from 1.
	Page          int `json:"Page"`
	NumberPerPage int `json:"NumberPerPage"`
}

// RecordPage is one page of records. D:68931
type RecordPage struct {
	// TotalNum is the number of records on all pages, 0 if it is unknown.
	TotalNum int
	Page     int
	Rows     []RecordRow
}

// RecordRow is one row of a page. Each is decoded on its own, so that an odd one
// does not hide the others.
type RecordRow struct {
	// Record holds the fields that could be read. It is a hint: the record that
	// is charged is read by its CallId.
	Record CallRecord
	// Problems are the fields that could not be read. A row whose CallId is
	// readable can be handled in spite of them.
	Problems []FieldError
	// Hash identifies the content of a row with problems: 32 hexadecimal digits.
	Hash string
	// Raw is the JSON of a row with problems, at most MaxRawLength bytes. It may
	// contain accounts: keep it out of logs, search attributes and messages.
	Raw string
}

// Unreadable reports whether the row's call is unknown, because its CallId is
// missing or invalid. Such a row can only be shown to a person; Hash identifies it.
func (r RecordRow) Unreadable() bool { return ValidateCallID("CallId", r.Record.CallID) != nil }

// NewRecordRows returns the rows of records without problems.
func NewRecordRows(records ...CallRecord) []RecordRow {
	rows := make([]RecordRow, len(records))
	for i, r := range records {
		rows[i].Record = r
	}
	return rows
}

func (a answer) decodeRow(data json.RawMessage) RecordRow {
	var row RecordRow
	row.Record, row.Problems = DecodeRecord(data)
	if err := ValidateCallID("CallId", row.Record.CallID); err != nil && !hasProblem(row.Problems, "CallId") {
		var fieldErr *FieldError
		if errors.As(err, &fieldErr) { // it always is one
			row.Problems = append(row.Problems, *fieldErr)
		}
	}
	if len(row.Problems) > 0 {
		row.Hash, row.Raw = hashJSON(data), a.shown(data)
	}
	return row
}

func hasProblem(problems []FieldError, field string) bool {
	for _, p := range problems {
		if p.Field == field {
			return true
		}
	}
	return false
}

// Records returns a page of records. If there are none, the page is empty, whether
// Tencent answers with an empty list or with 101050. An answer that is not a list
// is an *UnreadableAnswerError.
func (c *Client) Records(ctx context.Context, filter RecordFilter) (RecordPage, error) {
	answer, err := c.do(ctx, pathRecordsByFilter, filter)
	var apiErr *APIError
	if errors.As(err, &apiErr) && apiErr.Code == CodeRecordNotFound {
		return RecordPage{Page: filter.Page}, nil
	}
	if err != nil {
		return RecordPage{}, err
	}
	unreadable := func(field, problem string) (RecordPage, error) {
		return RecordPage{}, &UnreadableAnswerError{API: pathRecordsByFilter, RequestID: answer.shownID(), Problem: FieldError{field, problem}}
	}
	object, err := decodeObject(answer.response)
	if err != nil {
		return unreadable("Response", "must be an object"+butIs(answer.response))
	}
	list, problem := object.value("CallRecordList")
	if problem != "" {
		return unreadable("CallRecordList", problem)
	}
	page := RecordPage{Page: filter.Page, TotalNum: decodeCount(object, "TotalNum")}
	var rows []json.RawMessage
	if !isNull(list) {
		if list[0] != '[' || json.Unmarshal(list, &rows) != nil {
			return unreadable("CallRecordList", "must be a list"+butIs(list))
		}
	}
	for _, row := range rows {
		page.Rows = append(page.Rows, answer.decodeRow(row))
	}
	return page, nil
}

// decodeCount returns a number of records, 0 if it cannot be read: without it, the
// pages are listed until one is empty.
func decodeCount(object jsonObject, key string) int {
	value, problem := object.value(key)
	if problem != "" {
		return 0
	}
	n, problem := decodeWhole(value)
	if problem != "" || n < 0 || n > 1<<31 {
		return 0
	}
	return int(n)
}
