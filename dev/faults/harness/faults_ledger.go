package main

import "aftercall/dev/local"

// ledgerFaults are those of the ledger's database.
func ledgerFaults(t local.Topology) []fault {
	if !t.Postgres {
		return nil
	}
	return []fault{{"kill -9", "postgres", killed("postgres")}} // it is Temporal's, too
}
