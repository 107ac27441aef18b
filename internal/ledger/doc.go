// Package ledger keeps what calls were charged, for ever. Entries are only
// ever added: the database itself refuses to change or remove one, and a unique
// key lets a call be charged once. The same code runs on SQLite and PostgreSQL.
package ledger
