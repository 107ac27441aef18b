package local

import "syscall"

// ownGroup also ties the life of a part to that of the stack: a stack that is
// killed leaves no servers behind.
func ownGroup() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
