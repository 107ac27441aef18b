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
	// MaxReceivedPerSecond is, by SDKAppID, the most requests that arrived at
	// all APIs together in any window of 1 s.
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
	// NoCode counts injected HTTP errors, cut connections and answers that are not JSON.
	NoCode int `json:"no_code"`
	// MaxReceivedPerSecond is the most requests that arrived in any window of
	// 1 s, refused ones included; MaxAdmittedPerSecond counts those that passed the limit.
	MaxReceivedPerSecond int `json:"max_received_per_second"`
	MaxAdmittedPerSecond int `json:"max_admitted_per_second"`
}

// CallbackStats counts calls and what became of their callbacks.
type CallbackStats struct {
	Placed int `json:"placed"`
	// Lost counts calls whose callback was lost on purpose.
	Lost int `json:"lost"`
	// Unconfigured counts callbacks that had nowhere to go.
	Unconfigured int `json:"unconfigured"`
	// Posted counts deliveries; Failed are those without any HTTP answer.
	Posted int `json:"posted"`
	Failed int `json:"failed"`
	// Answers counts the answers by HTTP status.
	Answers map[int]int `json:"answers"`
	// Pending are callbacks scheduled, held or under way.
	Pending int `json:"pending"`
}

type meterKey struct {
	app tencent.SDKAppID
	api string
}

type meter struct {
	requests, noCode   int
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
			SDKAppID: key.app, API: key.api, Requests: m.requests, Codes: maps.Clone(m.codes), NoCode: m.noCode,
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

// ResetStats starts all counts and maxima at zero. Requests of the last
// second still count against the limit.
func (s *Simulator) ResetStats() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range s.meters {
		m.requests, m.noCode, m.codes = 0, 0, map[tencent.Code]int{}
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

// arrived counts a request.
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

// admit asks the rate limit of one app at one API. The clock is read under
// the lock, so that requests enter the window in the order of their times.
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

func (s *Simulator) countNoCode(app tencent.SDKAppID, api string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.meter(app, api).noCode++
}
