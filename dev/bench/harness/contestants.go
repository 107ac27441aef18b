package harness

// The names of the two contestants that the targets compare.
const (
	Aftercall = "aftercall"
	// TemporalTimer is Temporal as its samples use it.
	TemporalTimer = "temporal"
)

// The contestants that the targets compare.
var (
	aftercall = Contestant{
		Name: Aftercall, Title: "aftercall", Temporal: true,
		Form: "starter and worker as built by `make build`, with their default settings; sweeps off; the server as the local stack has it",
	}
	// aftercallStock has Temporal's server as it comes.
	aftercallStock = Contestant{Name: Aftercall, Title: "aftercall, stock server", Temporal: true, StockServer: true}
	temporalTimer  = Contestant{
		Name: TemporalTimer, Title: "Temporal, timer form", Temporal: true, StockServer: true,
		Form: "a timer and three activities with the default options of client and worker, as in Temporal's samples; the ID rejects duplicates",
	}
	dbos = Contestant{
		Name: "dbos", Title: "DBOS",
		Form: "a workflow that sleeps and runs three steps with retries, in the process that receives the callbacks; a pool of 20 connections by default",
	}
)

// onCluster is a contestant on Temporal with another server: a cluster on PostgreSQL.
func onCluster(c Contestant) Contestant {
	c.Name, c.Title, c.Program, c.Cluster = c.Name+"-cluster", c.Title+", on a cluster", c.Name, true
	return c
}

// Contestants are all contestants, in the order of the tables.
var Contestants = []Contestant{
	aftercall,
	temporalTimer,
	onCluster(aftercall),
	onCluster(temporalTimer),
	dbos,
	{
		Name: "river", Title: "River",
		Form: "one job, scheduled and unique by its arguments; 100 workers as in its documentation; fetches at most every 100 ms",
	},
	{
		Name: "asynq", Title: "asynq",
		Form: "one task, scheduled, with the call as its ID; 10 workers as in its documentation; looks for scheduled tasks every 5 s",
	},
	{
		Name: "setnx", Title: "SETNX and a goroutine",
		Form: "no engine: Redis drops duplicates, the process keeps the calls in memory; an upper bound, not a way to do this job",
	},
}
