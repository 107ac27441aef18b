package dbserver

import (
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// superuser is the role that initdb makes. It needs no password.
const superuser = "aftercall"

// Postgres makes a PostgreSQL cluster below folder, which it makes too, and
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
	initdb := Server{Path: filepath.Join(bin, "initdb"), Dir: folder, User: user, Args: []string{
		"-D", data, "-U", superuser, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync",
	}}
	if out, err := initdb.Command().CombinedOutput(); err != nil {
		return Server{}, fmt.Errorf("initdb: %w\n%s", err, out)
	}
	s := Server{Path: filepath.Join(bin, "postgres"), Dir: folder, User: user, Args: []string{"-D", data}}
	for _, setting := range append([]string{
		"listen_addresses=" + Host, "port=" + strconv.Itoa(port), "unix_socket_directories=",
	}, settings...) {
		s.Args = append(s.Args, "-c", setting)
	}
	return s, nil
}

// PostgresURL is the URL of a database of the server at port.
func PostgresURL(port int, database string) string {
	return fmt.Sprintf("postgres://%s@%s/%s?sslmode=disable", superuser, address(port), database)
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
		return "", &MissingError{Program: "PostgreSQL", Package: "postgresql"}
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
