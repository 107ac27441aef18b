//go:build unix

package testenv

import (
	"os"
	"os/user"
	"strconv"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// unprivileged returns how to run a process that Ctrl-C does not reach, and,
// where this process is root's, as whom PostgreSQL refuses to run, that runs as
// somebody else, who then owns folder.
func unprivileged(t testing.TB, folder string) *syscall.SysProcAttr {
	t.Helper()
	if os.Geteuid() != 0 {
		return &syscall.SysProcAttr{Setpgid: true}
	}
	somebody, err := user.Lookup("postgres")
	if err != nil {
		somebody, err = user.Lookup("nobody")
	}
	require.NoError(t, err)
	uid, err := strconv.ParseUint(somebody.Uid, 10, 32)
	require.NoError(t, err)
	gid, err := strconv.ParseUint(somebody.Gid, 10, 32)
	require.NoError(t, err)
	require.NoError(t, os.Chown(folder, int(uid), int(gid)))
	return &syscall.SysProcAttr{
		Setpgid:    true,
		Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)},
	}
}
