package programs

import (
	"os/exec"
	"syscall"
)

// HAProxy returns a proxy with a configuration file. The error is a *MissingError
// where there is no HAProxy.
func HAProxy(configuration string) (Server, error) {
	path, err := haproxy()
	if err != nil {
		return Server{}, err
	}
	// -db: in the foreground, as one process.
	return Server{Path: path, Args: []string{"-db", "-f", configuration}, StopSignal: syscall.SIGTERM}, nil
}

func haproxy() (path string, err error) {
	// Debian keeps it where only root's PATH leads.
	for _, name := range []string{"haproxy", "/usr/sbin/haproxy"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", &MissingError{Name: "haproxy", Program: "HAProxy", Package: "haproxy"}
}
