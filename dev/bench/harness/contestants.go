package harness

// Ours and Plain are the names of the two that the targets compare.
const (
	Ours  = "ours"
	Plain = "plain"
)

// Contestants are all, in the order of the table.
var Contestants = []Contestant{
	{
		Name: Ours, Title: "aftercall", Temporal: true, Ours: true,
		Form: "starter and worker as built by `make build`, with their default settings; sweeps off",
	},
	{
		Name: Plain, Title: "Temporal, plain form", Temporal: true,
		Form: "a timer and three activities with the default options of client and worker, as in Temporal's samples; the ID rejects duplicates",
	},
	{
		Name: "dbos", Title: "DBOS",
		Form: "a workflow that sleeps and runs three steps with retries, in the receiving process; pool of 20 connections by default",
	},
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
		Form: "no engine: Redis drops duplicates, memory holds the calls; the ceiling, and not a way to do this job",
	},
}
