//go:build unix && !linux

package programs

import "syscall"

func endWithParent(*syscall.SysProcAttr) {}
