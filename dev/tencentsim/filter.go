package tencentsim

import (
	"cmp"
	"encoding/json"
	"errors"
	"math"
	"slices"

	"aftercall/internal/tencent"
)

const (
	// defaultPageSize is Tencent's when NumberPerPage is missing. D:68931
	defaultPageSize = 10
	// DefaultMaxPageSize is our choice: Tencent documents no limit.
	DefaultMaxPageSize = 100
)

// FilterRules decide what Tencent's page about get_record_by_filter leaves open.
type FilterRules struct {
	// MaxPageSize bounds NumberPerPage, DefaultMaxPageSize when 0: a larger
	// page is cut to this size without an error.
	MaxPageSize int `json:"max_page_size,omitempty"`
	// Unstable changes the order of the records from request to request, so
	// that pages overlap and miss records; otherwise they are in order of StartTime.
	Unstable bool `json:"unstable,omitempty"`
}

// SetFilterRules replaces the rules.
func (s *Simulator) SetFilterRules(r FilterRules) error {
	r.MaxPageSize = orDefault(r.MaxPageSize, DefaultMaxPageSize)
	if r.MaxPageSize < 0 {
		return errors.New("max_page_size: must not be negative")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rules = r
	return nil
}

// FilterRules returns the current rules.
func (s *Simulator) FilterRules() FilterRules {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.rules
}

// filterRequest is the request of get_record_by_filter. D:68931
type filterRequest struct {
	StartTime, EndTime int64
	NumberPerPage      *int
	Page               *int
	CallResult         tencent.CallResult
	CallType           tencent.CallType
}

type filterAnswer struct {
	TotalNum       int
	Page           int
	CallRecordList []json.RawMessage
}

// recordByFilter answers get_record_by_filter. D:68931
func (s *Simulator) recordByFilter(app App, body []byte) (any, *failure) {
	var request filterRequest
	if err := json.Unmarshal(body, &request); err != nil {
		return nil, &failure{tencent.CodeInvalidParam, "a parameter has the wrong type"}
	}
	size, page := defaultPageSize, 1
	if request.NumberPerPage != nil {
		size = *request.NumberPerPage
	}
	if request.Page != nil {
		page = *request.Page
	}
	if size < 1 || page < 1 || page > math.MaxInt32 || request.EndTime <= 0 || request.EndTime < request.StartTime {
		return nil, &failure{tencent.CodeInvalidParam, "StartTime, EndTime, NumberPerPage or Page is invalid"}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	size = min(size, s.rules.MaxPageSize)
	found := s.matching(app.SDKAppID, request)
	if len(found) == 0 {
		return nil, &failure{tencent.CodeRecordNotFound, "call record does not exist"}
	}
	answer := filterAnswer{TotalNum: len(found), Page: page, CallRecordList: []json.RawMessage{}}
	from := min((page-1)*size, len(found))
	for _, c := range found[from:min(from+size, len(found))] {
		record, err := c.answer()
		if err != nil {
			return nil, &failure{tencent.CodeInternal, err.Error()}
		}
		answer.CallRecordList = append(answer.CallRecordList, record)
	}
	return answer, nil
}

// matching returns the calls that match a filter, in the order of the rules.
// s.mu is held.
func (s *Simulator) matching(app tencent.SDKAppID, request filterRequest) []*call {
	now := s.now()
	// Tencent moves an earlier StartTime without an error.
	start := max(request.StartTime, now.Add(-Retention).Unix())
	var found []*call
	for _, c := range s.order {
		at := c.record.StartTime
		if c.app == app && at >= start && at <= request.EndTime && c.hasRecord(now) &&
			(request.CallResult == "" || request.CallResult == c.record.Result) &&
			(request.CallType == "" || request.CallType == c.record.CallType) {
			found = append(found, c)
		}
	}
	if s.rules.Unstable {
		s.random.Shuffle(len(found), func(i, j int) { found[i], found[j] = found[j], found[i] })
	} else {
		slices.SortStableFunc(found, func(a, b *call) int { return cmp.Compare(a.record.StartTime, b.record.StartTime) })
	}
	return found
}
