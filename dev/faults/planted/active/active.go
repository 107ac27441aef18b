// Package active says what is on of that which is planted: which bug, and at which point
// the process is to be killed. Only patched sources import it; see package planted.
package active

import "os"

// Variable names the bug.
const Variable = "AFTERCALL_PLANTED_BUG"

// Bug reports whether the bug with this name is on.
func Bug(name string) bool { return os.Getenv(Variable) == name }

// PointVariable names the file that names the point at which a process is to be killed.
// The process deletes it first, so that it is killed once.
const PointVariable = "AFTERCALL_KILL_POINT"

// KillAt ends this process at once, as kill -9 does, if it is to be killed at this point.
func KillAt(point string) {
	path := os.Getenv(PointVariable)
	armed, err := os.ReadFile(path)
	if err != nil || string(armed) != point || os.Remove(path) != nil {
		return
	}
	process, err := os.FindProcess(os.Getpid())
	if err != nil {
		return
	}
	if process.Kill() == nil {
		select {} // until the signal has arrived
	}
}
