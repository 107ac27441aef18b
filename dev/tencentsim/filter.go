package tencentsim

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"math"
	"slices"

	"aftercall/internal/tencent"
)

const (
	// defaultPageSize is Tencent's when NumberPerPage is missing. D:68931
	defaultPageSize = 10
	// DefaultMaxPageSize is ours: Tencent does not say.
	DefaultMaxPageSize = 100
)

// Order is how get_record_by_filter sorts, which Tencent does not state.
type Order string

// The orders. OrderShuffled is the same nonsense on every page; OrderUnstable
// changes from request to request, so that pages overlap and miss records.
const (
	OrderStart    Order = "start"
	OrderNewest   Order = "newest"
	OrderEnd      Order = "end"
	OrderShuffled Order = "shuffled"
	OrderUnstable Order = "unstable"
)

// WindowTest is the time that get_record_by_filter compares with its window.
type WindowTest string

// The window tests. Both bounds of the window belong to it.
const (
	WindowStart WindowTest = "start"
	WindowEnd   WindowTest = "end"
)

// FilterRules answer what the page about get_record_by_filter leaves open.
type FilterRules struct {
	// MaxPageSize bounds NumberPerPage; DefaultMaxPageSize when 0. A larger
	// request is cut down silently, or answered with OversizeCode.
	MaxPageSize  int          `json:"max_page_size,omitempty"`
	OversizeCode tencent.Code `json:"oversize_code,omitempty"`
	// Order is OrderStart when empty.
	Order Order `json:"order,omitempty"`
	// Window is WindowStart when empty.
	Window WindowTest `json:"window,omitempty"`
	// EmptyList makes a window without records answer an empty list instead of 101050.
	EmptyList bool `json:"empty_list,omitempty"`
}

// SetFilterRules replaces the rules.
func (s *Simulator) SetFilterRules(r FilterRules) error {
	r.MaxPageSize = orDefault(r.MaxPageSize, DefaultMaxPageSize)
	r.Order = orDefault(r.Order, OrderStart)
	r.Window = orDefault(r.Window, WindowStart)
	switch {
	case r.MaxPageSize < 0:
		return errors.New("max_page_size: must not be negative")
	case !slices.Contains([]Order{OrderStart, OrderNewest, OrderEnd, OrderShuffled, OrderUnstable}, r.Order):
		return fmt.Errorf("order: %q must be start, newest, end, shuffled or unstable", r.Order)
	case r.Window != WindowStart && r.Window != WindowEnd:
		return fmt.Errorf("window: %q must be start or end", r.Window)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rules = r
	return nil
}

// FilterRules returns the rules in force.
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
	CallRecordList []tencent.CallRecord
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
	if size > s.rules.MaxPageSize {
		if s.rules.OversizeCode != 0 {
			return nil, &failure{s.rules.OversizeCode, "NumberPerPage is too large"}
		}
		size = s.rules.MaxPageSize
	}
	found := s.matching(app.SDKAppID, request)
	if len(found) == 0 && !s.rules.EmptyList {
		return nil, &failure{tencent.CodeRecordNotFound, "call record does not exist"}
	}
	answer := filterAnswer{TotalNum: len(found), Page: page, CallRecordList: []tencent.CallRecord{}}
	from := min((page-1)*size, len(found))
	for _, c := range found[from:min(from+size, len(found))] {
		answer.CallRecordList = append(answer.CallRecordList, c.record)
	}
	return answer, nil
}

// matching returns the calls of a filter in the order of the rules. s.mu is held.
func (s *Simulator) matching(app tencent.SDKAppID, request filterRequest) []*call {
	now := s.now()
	// An earlier StartTime is moved silently.
	start := max(request.StartTime, now.Add(-s.keep).Unix())
	var found []*call
	for _, c := range s.order {
		at := c.record.StartTime
		if s.rules.Window == WindowEnd {
			at = c.record.EndTime
		}
		if c.app == app && at >= start && at <= request.EndTime && c.visible(now, s.keep) &&
			(request.CallResult == "" || request.CallResult == c.record.Result) &&
			(request.CallType == "" || request.CallType == c.record.CallType) {
			found = append(found, c)
		}
	}
	s.sort(found)
	return found
}

func (s *Simulator) sort(calls []*call) {
	switch s.rules.Order {
	case OrderUnstable:
		s.random.Shuffle(len(calls), func(i, j int) { calls[i], calls[j] = calls[j], calls[i] })
	case OrderShuffled:
		slices.SortStableFunc(calls, func(a, b *call) int { return cmp.Compare(scatter(a), scatter(b)) })
	case OrderNewest:
		slices.SortStableFunc(calls, func(a, b *call) int { return cmp.Compare(b.record.StartTime, a.record.StartTime) })
	case OrderEnd:
		slices.SortStableFunc(calls, func(a, b *call) int { return cmp.Compare(a.record.EndTime, b.record.EndTime) })
	default:
		slices.SortStableFunc(calls, func(a, b *call) int { return cmp.Compare(a.record.StartTime, b.record.StartTime) })
	}
}

// scatter is an order that has nothing to do with time.
func scatter(c *call) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(c.record.CallID)) // a hash never fails
	return h.Sum64()
}
