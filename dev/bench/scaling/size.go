package scaling

import (
	"math/bits"

	"aftercall/dev/bench/costs"
)

// Size is what a deployment needs.
type Size struct {
	// Rate is the number of calls a second, on average, and PeakRate in the busiest hour.
	Rate, PeakRate int64
	// Cores, in thousandths.
	StarterCores, WorkerCores, TemporalCores, StoreCores, LedgerCores, RedisCores int64
	Starters, Workers, Shards, Apps                                               int64
	// RedisBytes and StoreBytes are held, LedgerBytes are added every year.
	RedisBytes, StoreBytes, LedgerBytes int64
	VisibilityRows                      int64
}

// Size computes it from what a call costs in a cluster.
func (in Inputs) Size(m costs.Measurement, rate int64) Size {
	s := Size{Rate: rate, PeakRate: rate * in.Peak}
	// CPU of calls at the peak, and of sweeps, which list at the average rate.
	cores := func(usPerCall, usPerThousandListed int64) int64 {
		us := s.PeakRate*usPerCall + rate*in.Listings()*usPerThousandListed/1000
		return ceil(us*100, in.Utilization*1000)
	}
	s.StarterCores = cores(m.CPUOf("starter"), 0)
	s.WorkerCores = cores(m.CPUOf("worker"), m.Sweep.Worker)
	s.TemporalCores = cores(m.CPUOf("temporal"), 0)
	s.StoreCores = cores(m.CPUOf("postgres temporal", "postgres for all"), 0)
	s.LedgerCores = cores(m.CPUOf("postgres aftercall"), m.Sweep.Ledger)
	s.RedisCores = cores(m.CPUOf("redis"), 0)
	s.Starters = max(minProcesses, ceil(s.StarterCores, 1000*in.ProcessCores))
	s.Workers = max(minProcesses, ceil(s.WorkerCores, 1000*in.ProcessCores))
	s.Shards = powerOfTwo(max(minShards, ceil(s.PeakRate*m.Temporal.Transitions*in.ShardWrite*100, 1000*in.ShardBusy)))
	s.Apps = ceil(s.PeakRate*m.Requests.RecordAPI+rate*in.sweepRequests(), 1000*in.AppRequests)
	s.RedisBytes = rate * in.remembered() * m.Storage.RedisBytes
	held := rate * in.Retention * secondsPerDay
	s.StoreBytes = held * (m.Storage.TemporalBytes + m.Storage.VisibilityBytes)
	s.VisibilityRows = held * m.Storage.VisibilityRows / 1000
	s.LedgerBytes = rate * secondsPerYear * m.Storage.LedgerBytes
	return s
}

// powerOfTwo returns the lowest that is not below n.
func powerOfTwo(n int64) int64 { return 1 << bits.Len64(uint64(n-1)) }

// Store is where Temporal may keep so many calls.
func (s Size) Store() string {
	switch cores := ceil(s.StoreCores, 1000); {
	case cores <= 8:
		return "PostgreSQL, one server"
	case cores <= 64:
		return "PostgreSQL, a server for the list of workflows"
	default:
		return "Cassandra and Elasticsearch"
	}
}

// Capacity is how many calls a second the processors of the deployment can handle, if
// they may be busy all the time.
func (in Inputs) Capacity(rate int64) int64 { return rate * in.Peak * 100 / in.Utilization }

// Cloud is what Temporal Cloud bills in a month of 30 days, in USD.
type Cloud struct {
	Rate, PeakActions, Actions, ActionUSD, StorageUSD int64
}

// Cloud computes it.
func (in Inputs) Cloud(m costs.Measurement, rate int64) Cloud {
	perThousand := m.Temporal.Actions*1000 + in.sweepActions()
	c := Cloud{Rate: rate, PeakActions: rate * in.Peak * m.Temporal.Actions, Actions: rate * secondsPerMonth * perThousand / 1000}
	c.ActionUSD = c.Actions * in.ActionPrice / million
	gigabytes := rate * in.Retention * secondsPerDay * m.Temporal.HistoryBytes / 1e9
	c.StorageUSD = gigabytes * secondsPerMonth / 3600 * in.StoragePrice / million
	return c
}

// App is what one app of a rate needs at Tencent.
type App struct {
	Rate int64
	// CallRequests and SweepRequests are those in a second of the peak.
	CallRequests, SweepRequests int64
	// SweepSeconds is how long a sweep takes, one request after the other.
	SweepSeconds int64
}

// App computes it.
func (in Inputs) App(m costs.Measurement, rate int64) App {
	requests := rate * in.sweepRequests()
	return App{
		Rate: rate, CallRequests: ceil(rate*in.Peak*m.Requests.RecordAPI, 1000), SweepRequests: ceil(requests, 1000),
		SweepSeconds: ceil(requests*int64(in.SweepEvery.Seconds())*in.PageTime, million),
	}
}

// Fits reports whether the requests are permitted, and a sweep ends before the next
// one is due.
func (in Inputs) Fits(a App) bool {
	return a.CallRequests+a.SweepRequests <= in.AppRequests && a.SweepSeconds <= int64(in.SweepEvery.Seconds())
}
