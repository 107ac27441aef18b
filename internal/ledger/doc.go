// Package ledger keeps what calls were charged. Entries are only added: the
// database itself refuses to change or remove one, and a unique key lets a call
// be charged once. The same code runs on SQLite and PostgreSQL; what differs is in
// one engine file each.
package ledger
