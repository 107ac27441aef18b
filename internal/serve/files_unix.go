//go:build unix

package serve

import "syscall"

// connectionLimit is a quarter of the files that the process may open: half of
// them are for its own connections, whatever its two listeners get.
func connectionLimit() int {
	var files syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &files); err != nil || files.Cur/4 > maxConnections {
		return maxConnections
	}
	return max(int(files.Cur/4), 1) //nolint:gosec // not more than maxConnections
}
