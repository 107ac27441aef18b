//go:build linux || darwin || freebsd

package ledger

import "golang.org/x/sys/unix"

// freeBytes is how much an unprivileged process can still write in a folder.
func freeBytes(folder string) (free uint64, known bool) {
	var s unix.Statfs_t
	if err := unix.Statfs(folder, &s); err != nil {
		return 0, false
	}
	return uint64(max(s.Bavail, 0)) * uint64(s.Bsize), true //nolint:gosec,unconvert // the types differ between systems, and are not negative
}
