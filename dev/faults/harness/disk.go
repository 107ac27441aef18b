package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
)

const errNoDisk = notPossibleError("only root on Linux can mount a tmpfs")

// disk is a small file system for the ledger.
type disk struct {
	folder  string
	mounted bool
}

// openDisk makes a folder, and mounts a file system on it if that is possible.
func openDisk(folder string) (*disk, error) {
	if err := os.MkdirAll(folder, 0o711); err != nil {
		return nil, err
	}
	d := &disk{folder: folder}
	d.mounted = os.Geteuid() == 0 && command("mount", "-t", "tmpfs", "-o", "size=64m,mode=0711", "tmpfs", folder) == nil
	return d, nil
}

// chown gives the disk to the owner of a folder.
func (d *disk) chown(like string) error {
	info, err := os.Stat(like)
	if err != nil {
		return err
	}
	owner := info.Sys().(*syscall.Stat_t)
	return os.Chown(d.folder, int(owner.Uid), int(owner.Gid))
}

func (d *disk) filler() string { return filepath.Join(d.folder, "filler") }

// fill leaves no byte free.
func (d *disk) fill() error {
	if !d.mounted {
		return errNoDisk
	}
	f, err := os.Create(d.filler())
	if err != nil {
		return err
	}
	defer f.Close()
	for page := bytes.Repeat([]byte{1}, 4096); err == nil; {
		_, err = f.Write(page)
	}
	if errors.Is(err, syscall.ENOSPC) {
		return nil
	}
	return err
}

// empty removes what fill has written.
func (d *disk) empty() error { return os.Remove(d.filler()) }

// remount makes the disk read-only with "ro", which fails while a file is open for
// writing, or writable with "rw".
func (d *disk) remount(mode string) error {
	if !d.mounted {
		return errNoDisk
	}
	return command("mount", "-o", "remount,"+mode, d.folder)
}

func (d *disk) close() error {
	if !d.mounted {
		return nil
	}
	return command("umount", d.folder)
}

func command(name string, args ...string) error {
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s: %w: %s", name, err, bytes.TrimSpace(out))
	}
	return err
}
