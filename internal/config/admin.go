package config

import (
	"net"
	"net/netip"
	"reflect"
	"slices"
)

// adminVariable says where starter and worker answer operators.
const adminVariable = "AFTERCALL_ADMIN_LISTEN"

// Processes are the two processes that answer operators.
var Processes = []string{"starter", "worker"}

// AdminAddress returns the host:port at which one of Processes answers operators on
// this machine. It reads nothing else of environ, so that a health check needs no
// secrets. The error is an *Error.
func AdminAddress(process string, environ map[string]string) (string, error) {
	settings := reflect.TypeFor[WorkerSettings]()
	if process == "starter" {
		settings = reflect.TypeFor[StarterSettings]()
	}
	address := environ[adminVariable]
	if address == "" {
		variables := variablesOf(settings)
		address = variables[slices.IndexFunc(variables, func(v variable) bool { return v.name == adminVariable })].defaultText
	}
	if err := asError(listenProblem(adminVariable, address)); err != nil {
		return "", err
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return "", err
	}
	return net.JoinHostPort(reachable(host), port), nil
}

// reachable returns an address of this machine for one that listens on all of its
// addresses, and others unchanged.
func reachable(host string) string {
	ip, err := netip.ParseAddr(host)
	switch {
	case host == "", err == nil && ip == netip.IPv4Unspecified():
		return "127.0.0.1"
	case err == nil && ip == netip.IPv6Unspecified():
		return "::1"
	}
	return host
}
