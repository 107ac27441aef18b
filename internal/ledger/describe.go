package ledger

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io/fs"
	"net"
	"strings"
	"syscall"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// words say what is wrong with a database and what to do.
type words struct{ problem, cure string }

// locked is what is wrong where another program keeps a lock.
var locked = words{"the database is locked", "end the program that keeps a transaction open, such as a shell"}

// postgresWords are the error codes of PostgreSQL that an operator can cure. A code
// of two characters is a class.
var postgresWords = map[string]words{
	"25006": {"the database is read-only", "let LEDGER_URL name the primary, or end what made it read-only: default_transaction_read_only, a standby that was not promoted"},
	"53100": {"the disk of the database is full", "free space on the database server"},
	"53200": {"the database is out of memory", "look at the memory of the database server"},
	"53300": {"the database has no connection left", "raise max_connections, or end connections that are not used"},
	"55P03": locked,
	"57P03": {"the database is starting or shutting down", "wait, or look at its log"},
	"28":    {"the database refuses the user or password", "correct user and password in LEDGER_URL, or the server's pg_hba.conf"},
	"3D":    {"the database does not exist", "create it, or correct its name in LEDGER_URL"},
	"42501": {"the user of the database may not do this", "grant the user of LEDGER_URL what docs/ledger.md lists"},
	"57":    {"the database ended the connection", "look at its log"},
}

// sqliteWords are the primary result codes of SQLite that an operator can cure.
var sqliteWords = map[int]words{
	sqlite3.SQLITE_FULL:     {"the disk of the database is full", "free space where LEDGER_URL is"},
	sqlite3.SQLITE_READONLY: {"the database is read-only", "let the user of the process write the file of LEDGER_URL and its folder"},
	sqlite3.SQLITE_BUSY:     locked,
	sqlite3.SQLITE_CANTOPEN: {"the file of the database cannot be opened", "correct LEDGER_URL, or the permissions of the file and its folder"},
	sqlite3.SQLITE_PERM:     {"the file of the database cannot be opened", "correct LEDGER_URL, or the permissions of the file and its folder"},
	sqlite3.SQLITE_CORRUPT:  {"the file of the database is damaged", "stop the workers and restore it from a backup; docs/ledger.md says how"},
	sqlite3.SQLITE_NOTADB:   {"the file is not a database", "correct LEDGER_URL"},
}

// Describe says what is wrong with the database after an error of a Ledger or of
// opening one, in words without addresses, names and the text of drivers, and what
// to do. problem is empty for an error that is not the database's.
func Describe(err error) (problem, cure string) {
	w := describe(err)
	return w.problem, w.cure
}

func describe(err error) words {
	var (
		ofPostgres *pgconn.PgError
		ofSQLite   *sqlite.Error
		dns        *net.DNSError
	)
	switch {
	case errors.As(err, &ofPostgres):
		for _, code := range []string{ofPostgres.Code, ofPostgres.Code[:min(2, len(ofPostgres.Code))]} {
			if w, ok := postgresWords[code]; ok {
				return w
			}
		}
	case errors.As(err, &ofSQLite):
		if w, ok := sqliteWords[ofSQLite.Code()&0xff]; ok {
			return w
		}
		if isFull(ofSQLite) {
			return sqliteWords[sqlite3.SQLITE_FULL]
		}
	case errors.As(err, &dns):
		return words{"the name of the database's host is not known", "correct the host in LEDGER_URL, or the DNS of this machine"}
	case errors.As(err, new(*tls.CertificateVerificationError)), errors.As(err, new(x509.UnknownAuthorityError)), errors.As(err, new(x509.HostnameError)):
		return words{"the certificate of the database is not trusted", "give its authority as sslrootcert in LEDGER_URL, and the name that the certificate has"}
	case errors.Is(err, syscall.ECONNREFUSED):
		return words{"the database refuses connections", "start it, or correct host and port in LEDGER_URL"}
	case errors.Is(err, context.DeadlineExceeded), isTimeout(err):
		return words{"the database does not answer in time", "look whether it is up and can be reached from this machine"}
	case errors.Is(err, fs.ErrPermission):
		return words{"the file of the database cannot be opened", "correct LEDGER_URL, or the permissions of the file and its folder"}
	case errors.As(err, new(*pgconn.ConnectError)), errors.As(err, new(*net.OpError)):
		return words{"the database cannot be reached", "start it, or correct LEDGER_URL"}
	}
	return words{}
}

// isFull reports whether an I/O error of SQLite is a write for which there is no
// space: a quota or a limit is one too.
func isFull(err *sqlite.Error) bool {
	return err.Code()&0xff == sqlite3.SQLITE_IOERR && (err.Code() == sqlite3.SQLITE_IOERR_WRITE || strings.Contains(err.Error(), "no space"))
}

func isTimeout(err error) bool {
	var timeout net.Error
	return errors.As(err, &timeout) && timeout.Timeout()
}
