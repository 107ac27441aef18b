//go:build unix && !linux

package dbserver

import "syscall"

func endWithParent(*syscall.SysProcAttr) {}
