// Package scaling computes what a deployment needs for so many calls a second, from
// what one call costs and from a few assumptions. All arithmetic is in integers.
package scaling

import (
	"fmt"
	"time"

	"aftercall/internal/dedupe"
)

// Inputs are what is assumed, not measured.
type Inputs struct {
	// Peak is how many times the average rate the busiest hour has. What works is sized
	// for the peak, what stores for the average.
	Peak int64
	// Utilization is how busy processors may be at the peak, in percent.
	Utilization int64
	// ProcessCores is the number of processors of one starter or worker.
	ProcessCores int64
	// Retention is how many days Temporal keeps closed workflows.
	Retention int64
	// DedupeWindow is the setting: Redis remembers a call for a dedupe.Period longer at most.
	DedupeWindow time.Duration
	// ShardWrite is how many ms a state transition keeps its shard busy, and ShardBusy
	// how busy the average shard may be at the peak, in percent.
	ShardWrite, ShardBusy int64
	// AppRequests is how many requests a second an app may make at Tencent's record API,
	// for long: what internal/ratelimit permits.
	AppRequests int64
	// SweepEvery and SweepOverlap are the settings of the sweeps.
	SweepEvery, SweepOverlap time.Duration
	// WindowCalls is how many calls a window of a sweep has, which is halved above 2,000.
	// PageCalls are listed by a request, which takes PageTime ms.
	WindowCalls, PageCalls, PageTime int64
	// ActionPrice is that of a million actions of Temporal Cloud, in USD; StoragePrice
	// that of a GB of closed workflows for an hour, in millionths of a USD.
	ActionPrice, StoragePrice int64
}

// Defaults are the inputs of docs/scaling.md.
var Defaults = Inputs{
	Peak: 3, Utilization: 50, ProcessCores: 2, Retention: 10, DedupeWindow: dedupe.DefaultWindow, ShardWrite: 5, ShardBusy: 25,
	AppRequests: 180, SweepEvery: 5 * time.Minute, SweepOverlap: 6 * time.Hour,
	WindowCalls: 1500, PageCalls: 100, PageTime: 100,
	ActionPrice: 50, StoragePrice: 1050,
}

// Rates are the calls per second of the tables.
var Rates = []int64{1, 10, 100, 1000, 10_000}

const (
	secondsPerDay   = 24 * 60 * 60
	secondsPerMonth = 30 * secondsPerDay
	secondsPerYear  = 365 * secondsPerDay
	million         = 1_000_000
	// minShards is for the future: the number can never change.
	minShards = 512
	// minProcesses is for the time in which one is down.
	minProcesses = 2
)

// remembered is for how many seconds Redis remembers a call at most.
func (in Inputs) remembered() int64 { return int64((in.DedupeWindow + dedupe.Period) / time.Second) }

// Listings is how often sweeps list each call.
func (in Inputs) Listings() int64 { return int64(in.SweepOverlap / in.SweepEvery) }

// windowRequests are those for a window: its pages, an empty one, and the first page of
// the window that was too large.
func (in Inputs) windowRequests() int64 { return ceil(in.WindowCalls, in.PageCalls) + 2 }

// sweepRequests is how many requests sweeps make for a thousand calls.
func (in Inputs) sweepRequests() int64 {
	return in.Listings() * in.windowRequests() * 1000 / in.WindowCalls
}

// sweepActions is how many actions the sweeps of a thousand calls cost: one for each
// window, and one for that which was too large.
func (in Inputs) sweepActions() int64 { return in.Listings() * 2 * 1000 / in.WindowCalls }

// ceil divides and rounds up.
func ceil(n, by int64) int64 { return (n + by - 1) / by }

// maxRate is far above what one deployment can have, and keeps all figures in 64 bits.
const maxRate = 100_000

// Validate names the first input that cannot be computed with.
func (in Inputs) Validate(rates []int64) error {
	for _, limit := range []struct {
		flag               string
		value, least, most int64
	}{
		{"--peak", in.Peak, 1, 100},
		{"--price", in.ActionPrice, 0, 1000},
		{"--retention", in.Retention, 1, 90},
		{"--dedupe-window, in seconds", int64(in.DedupeWindow / time.Second), int64(dedupe.MinWindow / time.Second), int64(dedupe.MaxWindow / time.Second)},
		{"--sweep-every, in seconds", int64(in.SweepEvery / time.Second), 10, secondsPerDay},
		{"--sweep-overlap, in seconds", int64(in.SweepOverlap / time.Second), 3600, 3 * secondsPerDay},
	} {
		if limit.value < limit.least || limit.value > limit.most {
			return fmt.Errorf("%s: %d is not between %d and %d", limit.flag, limit.value, limit.least, limit.most)
		}
	}
	for _, rate := range rates {
		if rate < 1 || rate > maxRate {
			return fmt.Errorf("--rates: %d is not between 1 and %d calls a second", rate, maxRate)
		}
	}
	return nil
}
