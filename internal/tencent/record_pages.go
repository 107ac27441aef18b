package tencent

import (
	"context"
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
	// TotalNum is the number of records on all pages.
	TotalNum int          `json:"TotalNum"`
	Page     int          `json:"Page"`
	Records  []CallRecord `json:"CallRecordList"`
}

// Records returns a page of records. If there are none, the page is empty, whether
// Tencent answers with an empty list or with 101050.
func (c *Client) Records(ctx context.Context, filter RecordFilter) (RecordPage, error) {
	var page RecordPage
	err := c.do(ctx, pathRecordsByFilter, filter, &page)
	var apiErr *APIError
	if errors.As(err, &apiErr) && apiErr.Code == CodeRecordNotFound {
		return RecordPage{Page: filter.Page}, nil
	}
	return page, err
}
