package scaling

import (
	stdbytes "bytes"
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"aftercall/dev/bench/costs"
	"aftercall/dev/docsection"
)

const root = "../../.."

// measured are round figures to compute with by hand.
var measured = costs.Measurement{
	Temporal: costs.Temporal{Transitions: 4, Actions: 2, HistoryBytes: 5000},
	Storage:  costs.Storage{VisibilityRows: 1000, TemporalBytes: 6000, VisibilityBytes: 14_000, LedgerBytes: 2000, RedisBytes: 200},
	Requests: costs.Requests{RecordAPI: 1000},
	CPU: map[string]costs.CPU{
		"starter": {PerCall: 1000}, "worker": {PerCall: 3000}, "temporal": {PerCall: 8000}, "redis": {PerCall: 100}, "proxy": {PerCall: 500},
		"postgres temporal": {PerCall: 2000}, "postgres temporal_visibility": {PerCall: 3000}, "postgres for all": {PerCall: 1000}, "postgres aftercall": {PerCall: 600},
	},
	BurnDownPerSecond: 146,
	Sweep:             costs.Sweep{Worker: 20_000, Ledger: 10_000},
}

// TestSize compares with what is computed by hand for 100 calls/s. The peak is 300/s. A
// call is listed 6 h / 5 min = 72 times: 7,200 listings/s.
func TestSize(t *testing.T) {
	require.Equal(t, Size{
		Rate: 100, PeakRate: 300,
		StarterCores:   600,               // 300 × 1 ms = 0.3, at 50 %
		WorkerCores:    2088,              // 300 × 3 ms + 7,200 × 0.02 ms = 0.9 + 0.144 = 1.044, at 50 %
		TemporalCores:  4800,              // 300 × 8 ms = 2.4, at 50 %
		StoreCores:     3600,              // 300 × 6 ms = 1.8, at 50 %
		LedgerCores:    504,               // 300 × 0.6 ms + 7,200 × 0.01 ms = 0.18 + 0.072 = 0.252, at 50 %
		RedisCores:     60,                // 300 × 0.1 ms = 0.03, at 50 %
		Starters:       2,                 // at least two
		Workers:        2,                 // 2.088 / 2 = 1.04
		Shards:         512,               // 300 × 4 × 5 ms = 6 busy shards, at 25 % 24; at least 512
		Apps:           3,                 // 300 + 100 × 0.816 = 381.6 requests, at 180 2.12
		RedisBytes:     2_304_000_000,     // 100 × 115,200 s × 200
		StoreBytes:     1_728_000_000_000, // 100 × 864,000 s × 20,000
		LedgerBytes:    6_307_200_000_000, // 100 × 31,536,000 s × 2,000
		VisibilityRows: 86_400_000,        // 100 × 864,000 s
	}, Defaults.Size(measured, 100))

	large := Defaults.Size(measured, 10_000)
	require.EqualValues(t, 4096, large.Shards, "30,000 × 4 × 5 ms = 600 busy shards, at 25 % 2,400")
	require.EqualValues(t, 30, large.Starters, "30,000 × 1 ms = 30 processors, at 50 % 60, by 2")
	require.EqualValues(t, 105, large.Workers, "104.4 processors, at 50 % 208.8, by 2")
	require.EqualValues(t, 212, large.Apps, "30,000 + 8,160 requests, at 180")
	require.Equal(t, "Cassandra and Elasticsearch", large.Store(), "360 processors")
	require.Equal(t, "PostgreSQL, one server", Defaults.Size(measured, 100).Store())
	require.EqualValues(t, 600, Defaults.Capacity(100))
}

// TestCloud compares with what is computed by hand: 100 calls/s are 259.2 million calls a
// month, each of which costs 2 actions and 72 × 2 / 1,500 = 0.096 of sweeps.
func TestCloud(t *testing.T) {
	require.Equal(t, Cloud{
		Rate: 100, PeakActions: 600, Actions: 543_283_200, ActionUSD: 27_164,
		StorageUSD: 326, // 86.4 million histories × 5 kB = 432 GB × 720 h × 0.00105
	}, Defaults.Cloud(measured, 100))
}

// TestApp compares with what is computed by hand: a window of 1,500 calls takes 15 pages,
// an empty one, and one of the window before it was halved.
func TestApp(t *testing.T) {
	a := Defaults.App(measured, 40)
	require.Equal(t, App{
		Rate: 40, CallRequests: 120,
		SweepRequests: 33,  // 40 × 72 × 17 / 1,500 = 32.64
		SweepSeconds:  980, // 40 × 21,600 s = 864,000 calls, 576 windows, 9,792 requests; 0.1 s each
	}, a)
	require.False(t, Defaults.Fits(a), "980 s are more than five minutes")
	require.True(t, Defaults.Fits(Defaults.App(measured, 10)), "8.16 requests/s and 245 s")
	short := Defaults
	short.SweepOverlap = time.Hour
	require.True(t, short.Fits(short.App(measured, 40)), "120 + 6 requests/s, and 164 s")
	require.False(t, short.Fits(short.App(measured, 60)), "180 + 9 requests/s")
}

// TestMachine compares with what is computed by hand for a million calls a day.
func TestMachine(t *testing.T) {
	require.Equal(t, Machine{
		CallsADay:  1_000_000,
		PeakRate:   34_723, // 11.574 × 3
		Busy:       24,     // of 146
		StoreBytes: 200_000_000_000, RedisBytes: 266_666_600, LedgerBytes: 730_000_000_000,
	}, Defaults.Machine(measured, 1_000_000))
}

// TestEvidence compares with what is counted by hand for a call of two: a start that
// names both, an answer, two who hang up; a room that is created, entered and left by
// both, and dismissed.
func TestEvidence(t *testing.T) {
	require.Equal(t, Evidence{
		Members: 2, Callbacks: 4, Webhooks: 6, Events: 11,
		StoreBytes: 26_516_160_000, // 90 × 86,400 × 11 × 310
	}, EvidenceOf(2))
	require.EqualValues(t, 51, EvidenceOf(10).Events)
}

// TestBurst compares with what is computed by hand.
func TestBurst(t *testing.T) {
	o := Burst{"", 20, 100}.Run()
	require.EqualValues(t, 60_000, o.MostWaiting, "600 s × (200 − 100)")
	require.EqualValues(t, 600, o.Late, "60,000 / 100")
	require.EqualValues(t, 750, o.Over, "60,000 / (100 − 20)")
	require.EqualValues(t, 0, o.Waiting[299])
	require.EqualValues(t, 100, o.Waiting[300], "the first second of the burst")
	require.Len(t, o.Waiting, 3600)
	calm := Burst{"", 10, 100}.Run()
	require.Equal(t, [3]int64{0, 0, 0}, [3]int64{calm.MostWaiting, calm.Late, calm.Over})
	require.EqualValues(t, -1, Burst{"", 20, 30}.Run().Over, "102,000 / 10 = 10,200 s")
}

func TestNumbers(t *testing.T) {
	require.Equal(t, []string{"0", "999", "1,000", "1,234,567"}, []string{thousands(0), thousands(999), thousands(1000), thousands(1_234_567)})
	require.Equal(t, []string{"1", "13.4", "0.5", "123"}, []string{perThousand(1000), perThousand(13_412), perThousand(500), perThousand(123_400)})
	require.Equal(t, []string{"0.02", "14.96", "0.00"}, []string{milliseconds(20), milliseconds(14_956), milliseconds(4)})
	require.Equal(t, []string{"0.1", "0.9", "1", "3"}, []string{cores(1), cores(900), cores(950), cores(2088)})
	require.Equal(t, []string{"999 B", "1.0 kB", "14 GB", "1.7 TB", "1.2 TB", "10 MB", "631 TB"},
		[]string{
			bytes(999), bytes(1000), bytes(13_824_000_000), bytes(1_728_000_000_000), bytes(1_188_000_000_000), bytes(9_960_000),
			bytes(630_720_000_000_000),
		})
}

func TestValidate(t *testing.T) {
	require.NoError(t, Defaults.Validate(Rates))
	require.ErrorContains(t, Defaults.Validate([]int64{0}), "--rates: 0")
	none := Defaults
	none.Peak = 0
	require.ErrorContains(t, none.Validate(nil), "--peak: 0 is not between 1 and 100")
}

// TestDocument fails if the page or its picture is not what the program computes: then
// run `make bench ARGS="scaling --publish"`.
func TestDocument(t *testing.T) {
	p, err := ReadPlan(root, Defaults)
	require.NoError(t, err)
	read := func(file string, sections ...docsection.Section) string {
		text, err := os.ReadFile(filepath.Join(root, file))
		require.NoError(t, err)
		computed, err := docsection.Replace(string(text), sections...)
		require.NoError(t, err)
		require.Equal(t, computed, string(text))
		return string(text)
	}
	sections, err := p.Sections()
	require.NoError(t, err)
	page := read(DocumentFile, sections...)
	machine, err := p.MachineSection()
	require.NoError(t, err)
	read(MachineFile, machine)
	picture, err := p.Picture()
	require.NoError(t, err)
	published, err := os.ReadFile(filepath.Join(root, PictureFile))
	require.NoError(t, err)
	require.True(t, stdbytes.Equal(picture, published), "%s is out of date", PictureFile)

	// What the page says about measurements in its text.
	for _, m := range p.Measurements {
		require.Equal(t, costs.Temporal{Events: 8, Transitions: 4, Actions: 2, HistoryBytes: m.Temporal.HistoryBytes, Sampled: m.Temporal.Sampled, Alike: m.Temporal.Alike}, m.Temporal)
		if m.Indexes == costs.Shipped { // the others are compared by CPU and bytes only
			require.EqualValues(t, 1000, m.Requests.RecordAPI)
		}
	}
	metrics := read("docs/metrics.md")
	for _, name := range regexp.MustCompile("`((?:aftercall|temporal)_[a-z_]+)").FindAllStringSubmatch(page, -1) {
		if name[1] != "temporal_visibility" { // a database
			require.Contains(t, metrics, "`"+name[1]+"`")
		}
	}
}
