package tencentsim

import (
	"cmp"
	"maps"
	"slices"

	"aftercall/internal/tencent"
)

// Stats are counts since the start or the last ResetStats.
type Stats struct {
	APIs []APIStats `json:"apis"`
	// MaxReceivedPerSecond is, by SDKAppID, the highest number of requests to all
	// APIs together in any window of 1 s.
	MaxReceivedPerSecond map[tencent.SDKAppID]int `json:"max_received_per_second"`
	Callbacks            CallbackStats            `json:"callbacks"`
}

// APIStats counts the requests of one app at one API.
type APIStats struct {
	// SDKAppID is 0 for requests whose sdkappid is missing or unknown.
	SDKAppID tencent.SDKAppID `json:"sdk_app_id"`
	// API is the last segment of the path, "unknown" for paths that do not exist.
	API      string `json:"api"`
	Requests int    `json:"requests"`
	// Codes counts the answers by ErrorCode; 0 is success.
	Codes map[tencent.Code]int `json:"codes"`
	// MaxReceivedPerSecond is the highest number of requests in any window of
	// 1 s, refused ones included; MaxAdmittedPerSecond counts only those within the limit.
	MaxReceivedPerSecond int `json:"max_received_per_second"`
	MaxAdmittedPerSecond int `json:"max_admitted_per_second"`
}

// CallbackStats counts calls and the results of their callbacks.
type CallbackStats struct {
	Placed int `json:"placed"`
	// Lost counts calls whose callback was lost on purpose.
	Lost int `json:"lost"`
	// Unconfigured counts callbacks without a configured URL.
	Unconfigured int `json:"unconfigured"`
	// Posted counts POSTs; Failed counts those without any HTTP answer.
	Posted int `json:"posted"`
	Failed int `json:"failed"`
	// Answers counts the answers by HTTP status.
	Answers map[int]int `json:"answers"`
	// RoomPosted counts POSTs of rooms' webhooks; RoomAccepted those that were answered 200.
	RoomPosted   int `json:"room_posted"`
	RoomAccepted int `json:"room_accepted"`
	// Pending counts callbacks scheduled or in progress.
	Pending int `json:"pending"`
}

type meterKey struct {
	app tencent.SDKAppID
	api string
}

type meter struct {
	requests           int
	codes              map[tencent.Code]int
	received, admitted window
}

// Stats returns the counts, ordered by app and API.
func (s *Simulator) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	stats := Stats{APIs: []APIStats{}, MaxReceivedPerSecond: map[tencent.SDKAppID]int{}, Callbacks: s.sent}
	for app, w := range s.received {
		stats.MaxReceivedPerSecond[app] = w.max
	}
	stats.Callbacks.Answers = maps.Clone(s.sent.Answers)
	stats.Callbacks.Pending = s.pending
	for key, m := range s.meters {
		stats.APIs = append(stats.APIs, APIStats{
			SDKAppID: key.app, API: key.api, Requests: m.requests, Codes: maps.Clone(m.codes),
			MaxReceivedPerSecond: m.received.max, MaxAdmittedPerSecond: m.admitted.max,
		})
	}
	slices.SortFunc(stats.APIs, func(a, b APIStats) int {
		return cmp.Or(cmp.Compare(a.SDKAppID, b.SDKAppID), cmp.Compare(a.API, b.API))
	})
	return stats
}

// API returns the counts of one app at one API, zero when there were no requests.
func (s Stats) API(app tencent.SDKAppID, api string) APIStats {
	for _, a := range s.APIs {
		if a.SDKAppID == app && a.API == api {
			return a
		}
	}
	return APIStats{SDKAppID: app, API: api}
}

// ResetStats sets all counts and maxima to zero. Requests of the last second
// still count towards the limit.
func (s *Simulator) ResetStats() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range s.meters {
		m.requests, m.codes = 0, map[tencent.Code]int{}
		m.received.max, m.admitted.max = 0, 0
	}
	for _, w := range s.received {
		w.max = 0
	}
	s.sent = CallbackStats{}
}

// meter returns the counter of one app at one API. s.mu is held.
func (s *Simulator) meter(app tencent.SDKAppID, api string) *meter {
	key := meterKey{app, api}
	m := s.meters[key]
	if m == nil {
		m = &meter{codes: map[tencent.Code]int{}}
		s.meters[key] = m
	}
	return m
}

// arrived counts a request that has arrived.
func (s *Simulator) arrived(app tencent.SDKAppID, api string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.meter(app, api)
	m.requests++
	now := s.wall()
	m.received.add(now)
	if s.received[app] == nil {
		s.received[app] = &window{}
	}
	s.received[app].add(now)
}

// admit reports whether a request is within the rate limit of its app and API.
// The clock is read under the lock, so that requests enter the window in order.
func (s *Simulator) admit(app tencent.SDKAppID, api string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.meter(app, api).admitted.admit(s.wall(), s.limit)
}

func (s *Simulator) countCode(app tencent.SDKAppID, api string, code tencent.Code) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.meter(app, api).codes[code]++
}
