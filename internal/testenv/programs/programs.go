// Package programs finds Redis, PostgreSQL, HAProxy and Prometheus on this machine and knows
// how to start them, for tests, the development stack and the benchmark. Those
// run and stop the processes, each in its own way.
package programs

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"syscall"
)

// Host is the interface that the servers listen on.
const Host = "127.0.0.1"

// Server is how to start one.
type Server struct {
	Path string
	Args []string
	// Environ are variables, as NAME=value, that it has beside those of this process.
	Environ []string
	// Dir is the folder to start in.
	Dir string
	// User is whom the server must run as, nil for the user of this process.
	User *syscall.Credential
	// StopSignal ends it in good order without waiting for its clients.
	StopSignal syscall.Signal
}

// Command is the server as a process that on Linux ends with this one.
func (s Server) Command() *exec.Cmd {
	cmd := s.DetachedCommand()
	endWithParent(cmd.SysProcAttr)
	return cmd
}

// DetachedCommand is the server as a process in a group of its own, so that
// Ctrl-C in a terminal does not reach it.
func (s Server) DetachedCommand() *exec.Cmd {
	cmd := exec.Command(s.Path, s.Args...)
	cmd.Dir = s.Dir
	if len(s.Environ) > 0 {
		cmd.Env = append(os.Environ(), s.Environ...)
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Credential: s.User}
	return cmd
}

// MissingError says which program this machine lacks, and what to install.
type MissingError struct {
	// Name is that of AFTERCALL_TEST_REQUIRE.
	Name, Program, Package string
}

// Error names the cure.
func (e *MissingError) Error() string {
	return fmt.Sprintf("%s is not on this machine: apt-get install %s", e.Program, e.Package)
}

// Check returns a *MissingError for each of the named programs, redis, postgres and
// haproxy, that this machine lacks.
func Check(names ...string) error {
	finders := map[string]func() (string, error){"redis": redisServer, "postgres": postgresBinaries, "haproxy": haproxy}
	var missing []error
	for _, name := range names {
		_, err := finders[name]()
		missing = append(missing, err)
	}
	return errors.Join(missing...)
}

func address(port int) string { return net.JoinHostPort(Host, strconv.Itoa(port)) }
