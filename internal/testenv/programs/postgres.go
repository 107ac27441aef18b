package programs

import (
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// Superuser is the role that initdb makes. It needs no password.
const Superuser = "aftercall"

// Postgres makes a PostgreSQL cluster below folder, unless there is one, and
// returns its server. settings are written as on the command line:
// "fsync=off". A root process makes and runs it as the user postgres or
// nobody, because PostgreSQL refuses to run as root. The error is a
// *MissingError where there is no PostgreSQL.
func Postgres(folder string, port int, settings ...string) (Server, error) {
	bin, err := postgresBinaries()
	if err != nil {
		return Server{}, err
	}
	user, err := unprivilegedUser()
	if err != nil {
		return Server{}, fmt.Errorf("user to run PostgreSQL as: %w", err)
	}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return Server{}, fmt.Errorf("data folder of PostgreSQL: %w", err)
	}
	if user != nil {
		if err := os.Chown(folder, int(user.Uid), int(user.Gid)); err != nil {
			return Server{}, fmt.Errorf("data folder of PostgreSQL: %w", err)
		}
	}
	data := filepath.Join(folder, "data")
	if err := initialize(Server{Path: filepath.Join(bin, "initdb"), Dir: folder, User: user}, data); err != nil {
		return Server{}, err
	}
	s := Server{
		Path: filepath.Join(bin, "postgres"), Dir: folder, User: user, Args: []string{"-D", data},
		StopSignal: syscall.SIGINT, // SIGTERM would wait until all clients have left
	}
	for _, setting := range append([]string{
		"listen_addresses=" + Host, "port=" + strconv.Itoa(port), "unix_socket_directories=",
	}, settings...) {
		s.Args = append(s.Args, "-c", setting)
	}
	return s, nil
}

// initialize makes the data folder of a cluster, if there is none. initdb removes
// what it made when it fails.
func initialize(initdb Server, data string) error {
	if _, err := os.Stat(filepath.Join(data, "PG_VERSION")); err == nil {
		return nil
	}
	initdb.Args = []string{"-D", data, "-U", Superuser, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"}
	if out, err := initdb.Command().CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w\n%s", err, out)
	}
	return nil
}

// PostgresURL is the URL of a database of the server at port.
func PostgresURL(port int, database string) string {
	return fmt.Sprintf("postgres://%s@%s/%s?sslmode=disable", Superuser, address(port), database)
}

// postgresBinaries finds the folder of initdb and postgres: that of PATH, or
// the newest of those where Debian keeps them.
func postgresBinaries() (folder string, err error) {
	if initdb, err := exec.LookPath("initdb"); err == nil {
		return filepath.Dir(initdb), nil
	}
	newest := 0
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	for _, initdb := range found {
		bin := filepath.Dir(initdb)
		if version, err := strconv.Atoi(filepath.Base(filepath.Dir(bin))); err == nil && version > newest {
			newest, folder = version, bin
		}
	}
	if folder == "" {
		return "", &MissingError{Name: "postgres", Program: "PostgreSQL", Package: "postgresql"}
	}
	return folder, nil
}

// unprivilegedUser is whom PostgreSQL runs as if this process is root's, else nil.
func unprivilegedUser() (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		if u, err = user.Lookup("nobody"); err != nil {
			return nil, err
		}
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	if err != nil {
		return nil, err
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
}
