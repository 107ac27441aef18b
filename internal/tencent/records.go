package tencent

import (
	"context"
	"errors"
)

const pathRecordsByFilter = "v4/call_record_http_srv/get_record_by_filter"

// RecordFilter chooses a page of the records of an app. Whether the window
// tests the start or the end of a call, the order of records and the largest
// page are not documented. A StartTime of more than seven days ago is silently
// moved. D:68931
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
	// TotalNum is how many records the window holds.
	TotalNum int          `json:"TotalNum"`
	Page     int          `json:"Page"`
	Records  []CallRecord `json:"CallRecordList"`
}

// Records lists a page of records. An empty window is an empty page, whether
// Tencent says so or answers 101050.
func (c *Client) Records(ctx context.Context, filter RecordFilter) (RecordPage, error) {
	var page RecordPage
	err := c.do(ctx, pathRecordsByFilter, filter, &page)
	var apiErr *APIError
	if errors.As(err, &apiErr) && apiErr.Code == CodeRecordNotFound {
		return RecordPage{Page: filter.Page}, nil
	}
	return page, err
}
