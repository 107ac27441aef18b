// Package ops is what the commands of aftercall do: look a call up, find what
// was not delivered, send it again, start and backfill calls, decide reviews,
// correct and audit the ledger, check what calls depend on.
//
// It knows nothing of flags, tables and exit codes; package cli does. It is the
// one internal package above workflows and activities. Results are structs whose
// JSON names are stable: scripts read them.
package ops
