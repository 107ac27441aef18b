// Package simulation runs nights of calls with faults at every seam, in one process and
// by a clock of its own: a seed is a night, or a week, and the same seed is the same
// night. Package checker says afterwards what is wrong.
//
// # What is real
//
// The product: the handler of callbacks, the deduplication, the workflows and activities
// in a real worker of the SDK, with its cache and its replays, the sweeps, the circuit
// breakers, the senders, and the ledger and the store of events on SQLite (files in
// /dev/shm). So are the simulated Tencent and the receiver of webhooks, which are called
// as http.Handlers.
//
// # What is modelled
//
// Temporal's server, by package servermodel. The SDK's test environment was the other
// choice. It runs one workflow, without a history, so that nothing is ever replayed and
// no worker dies between an effect and its record; and it decides nothing about
// workflow IDs, retention, start delays or several workers, which is half of what
// charges a call exactly once. The model keeps real histories for the real SDK, which
// finds by itself what the model gets wrong: a history that does not fit fails the task
// as not deterministic.
//
// Redis is miniredis over net.Pipe, with its expiry driven by the simulated clock.
//
// # Why a seed repeats
//
// Everything runs in a bubble of testing/synctest, whose clock moves only when all
// goroutines wait. Package agenda begins one thing at a time and waits until everything
// that follows has settled. What is random is drawn from the seed and the name of what
// it is about, never from a sequence, so that the order of goroutines changes nothing;
// for the same reason SQLite is given the clock of the bubble, the model stands in front
// of the SDK's own retries of requests, whose distances are random, and the jitter of
// the product's retries comes from the clock. A test compares two traces of a seed.
package simulation
