// Package ledgerlog is the arithmetic of the ledger's log, which shows that no
// entry was changed, removed or put in later: a Merkle tree in the manner of
// Certificate Transparency (RFC 6962), signed checkpoints of it, and receipts that
// prove entries to those who cannot see the ledger. It is pure, without I/O.
package ledgerlog
