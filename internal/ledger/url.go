package ledger

import (
	"errors"
	"strings"
)

// urlAdvice is the cure for every unusable LEDGER_URL. None of these errors
// repeats the URL, which may hold a password.
const urlAdvice = "write sqlite:///var/lib/aftercall/ledger.db, sqlite:ledger.db for a path relative to the working directory, " +
	"or postgres://user:password@host:5432/database"

// engine is a kind of database.
type engine int

const (
	engineSQLite engine = iota + 1
	enginePostgres
)

// parseURL tells the engine, and the path of a SQLite file.
func parseURL(url string) (e engine, path string, err error) {
	scheme, rest, ok := strings.Cut(url, ":")
	switch {
	case url == "":
		return 0, "", errors.New("LEDGER_URL is empty: " + urlAdvice)
	case !ok:
		return 0, "", errors.New("LEDGER_URL has no scheme: " + urlAdvice)
	case scheme == "postgres" || scheme == "postgresql":
		return enginePostgres, "", nil
	case scheme != "sqlite":
		return 0, "", errors.New("LEDGER_URL is of a database that is not supported: " + urlAdvice)
	}
	if after, slashes := strings.CutPrefix(rest, "//"); slashes {
		if !strings.HasPrefix(after, "/") {
			return 0, "", errors.New("LEDGER_URL names a host, but a SQLite ledger is a file: " + urlAdvice)
		}
		rest = after
	}
	switch {
	case rest == "" || strings.HasSuffix(rest, "/"):
		return 0, "", errors.New("LEDGER_URL names no file: " + urlAdvice)
	case strings.HasPrefix(rest, ":memory:"):
		return 0, "", errors.New("LEDGER_URL is in memory, but a ledger must last: " + urlAdvice)
	case strings.ContainsAny(rest, "?#\x00"):
		return 0, "", errors.New("LEDGER_URL has options, but a SQLite ledger takes none: " + urlAdvice)
	}
	return engineSQLite, rest, nil
}
