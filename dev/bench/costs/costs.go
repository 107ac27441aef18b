// Package costs measures what one call costs: in Temporal, in every database, at
// Tencent's API, and in CPU time of each part of the stack.
package costs

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// File is where published measurements are, relative to the project's folder.
const File = "docs/scaling.json"

// Measurement is what calls cost on a topology. Figures per call are integers: what is
// not a whole number for one call is given for a thousand.
type Measurement struct {
	// Topology is that of dev/local, Indexes which indexes Temporal's list of workflows has.
	Topology string `json:"topology"`
	Indexes  string `json:"indexes"`
	Machine  string `json:"machine"`
	// Calls were measured, after others, at Rate calls a second; TargetsPerCall
	// targets heard of each.
	Calls int `json:"calls"`
	Rate  int `json:"rate"`

	Temporal Temporal `json:"temporal"`
	Storage  Storage  `json:"storage"`
	Requests Requests `json:"requests"`
	// CPU is that of each part, by name.
	CPU map[string]CPU `json:"cpu"`
	// BurnDownPerSecond is how many calls a second were charged and notified when the
	// callbacks of Calls calls came as fast as they were answered.
	BurnDownPerSecond int64 `json:"burn_down_per_second"`
	Sweep             Sweep `json:"sweep"`
}

// Temporal is what a call costs in Temporal: what Alike of the Sampled calls cost. The
// others had another number of events, because the machine was busy.
type Temporal struct {
	Events       int64 `json:"events"`
	Transitions  int64 `json:"transitions"`
	Actions      int64 `json:"actions"`
	HistoryBytes int64 `json:"history_bytes"`
	Sampled      int64 `json:"sampled"`
	Alike        int64 `json:"alike"`
}

// Storage is what is stored of a call.
type Storage struct {
	// VisibilityRows are the rows in the list of workflows, VisibilityWrites the inserts
	// and updates, VisibilityIndexes the indexes of that table.
	VisibilityRows    int64 `json:"visibility_rows_per_1000"`
	VisibilityWrites  int64 `json:"visibility_writes_per_1000"`
	VisibilityIndexes int64 `json:"visibility_indexes"`
	// The databases grow by so many bytes a call, with their indexes.
	TemporalBytes   int64 `json:"temporal_bytes"`
	VisibilityBytes int64 `json:"visibility_bytes"`
	LedgerBytes     int64 `json:"ledger_bytes"`
	// RedisBytes are those of a call that is remembered; see RedisMemory.
	RedisBytes int64 `json:"redis_bytes"`
}

// Requests are those that a call causes.
type Requests struct {
	RecordAPI int64 `json:"record_api_per_1000"`
	// RedisCommands include those of scripts.
	RedisCommands int64 `json:"redis_commands_per_1000"`
	// TemporalCommits and LedgerCommits are transactions of PostgreSQL.
	TemporalCommits int64 `json:"temporal_commits_per_1000"`
	LedgerCommits   int64 `json:"ledger_commits_per_1000"`
}

// CPU is the CPU time of a part in microseconds.
type CPU struct {
	// PerCall is that of a call at Measurement.Rate, without Idle; BurnDown that of a
	// call of the burn-down.
	PerCall  int64 `json:"per_call_us"`
	BurnDown int64 `json:"burn_down_us"`
	// Idle is for each second without calls.
	Idle int64 `json:"idle_us"`
}

// Sweep is what it costs to list a call once, by the dry run of a backfill over calls
// that are all in the ledger.
type Sweep struct {
	Listed int64 `json:"listed"`
	// RecordAPI are the requests for a thousand calls.
	RecordAPI int64 `json:"record_api_per_1000"`
	// Worker and Ledger are CPU times in microseconds for a thousand calls.
	Worker int64 `json:"worker_us_per_1000"`
	Ledger int64 `json:"ledger_us_per_1000"`
}

// Name names a measurement: "cluster", or "cluster, partial indexes".
func (m Measurement) Name() string {
	if m.Indexes == Shipped {
		return m.Topology
	}
	return m.Topology + ", " + m.Indexes + " indexes"
}

// TotalCPU is the CPU time of all parts for a call.
func (m Measurement) TotalCPU() (us int64) {
	for _, cpu := range m.CPU {
		us += cpu.PerCall
	}
	return us
}

// CPUOf is the CPU time for a call of the parts whose names begin with one of the
// prefixes.
func (m Measurement) CPUOf(prefixes ...string) (us int64) {
	for name, cpu := range m.CPU {
		if slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(name, p) }) {
			us += cpu.PerCall
		}
	}
	return us
}

// Read returns the published measurements.
func Read(root string) ([]Measurement, error) {
	text, err := os.ReadFile(filepath.Join(root, File))
	if err != nil {
		return nil, err
	}
	var all []Measurement
	if err := json.Unmarshal(text, &all); err != nil {
		return nil, fmt.Errorf("%s: %w", File, err)
	}
	return all, nil
}

// Publish replaces or adds a measurement.
func Publish(root string, m Measurement) error {
	all, err := Read(root)
	if err != nil && !os.IsNotExist(err) {
		return err
	}
	all = slices.DeleteFunc(all, func(other Measurement) bool { return other.Name() == m.Name() })
	all = append(all, m)
	slices.SortFunc(all, func(a, b Measurement) int { return strings.Compare(a.Name(), b.Name()) })
	text, err := json.MarshalIndent(all, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(root, File), append(text, '\n'), 0o644)
}

// PublishRedisMemory replaces what a call takes in Redis, which is the same for all.
func PublishRedisMemory(root string, bytes int64) error {
	all, err := Read(root)
	if err != nil {
		return err
	}
	for _, m := range all {
		m.Storage.RedisBytes = bytes
		if err := Publish(root, m); err != nil {
			return err
		}
	}
	return nil
}

// BurnDownCPU is the CPU time of all parts for a call of the burn-down.
func (m Measurement) BurnDownCPU() (us int64) {
	for _, cpu := range m.CPU {
		us += cpu.BurnDown
	}
	return us
}

// IdleCPU is the CPU time of all parts in a second without calls.
func (m Measurement) IdleCPU() (us int64) {
	for _, cpu := range m.CPU {
		us += cpu.Idle
	}
	return us
}
