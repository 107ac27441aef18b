package main

import (
	"cmp"
	"context"
	"debug/buildinfo"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// program is a built aftercall, and what Go has recorded in it.
type program struct {
	path     string
	platform v1.Platform
	info     *buildinfo.BuildInfo
}

// build builds aftercall for a platform. The same source and the same Go make the
// same bytes, whatever the folder.
func build(ctx context.Context, root, folder string, platform v1.Platform) (program, error) {
	path := filepath.Join(folder, "aftercall-"+platform.OS+"-"+platform.Architecture)
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags=-s -w", "-o", path, ".")
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+platform.OS, "GOARCH="+platform.Architecture)
	if out, err := cmd.CombinedOutput(); err != nil {
		return program{}, fmt.Errorf("build aftercall for %s: %w\n%s", platform, err, out)
	}
	info, err := buildinfo.ReadFile(path)
	if err != nil {
		return program{}, fmt.Errorf("read what was built: %w", err)
	}
	return program{path, platform, info}, nil
}

// version is the tag, or the pseudo-version of a commit without one.
func (p program) version() string { return cmp.Or(p.info.Main.Version, "unknown") }

func (p program) setting(key string) string {
	for _, s := range p.info.Settings {
		if s.Key == key {
			return s.Value
		}
	}
	return ""
}

// time is that of the commit, so that a second build has the same.
func (p program) time() time.Time {
	at, err := time.Parse(time.RFC3339, p.setting("vcs.time"))
	if err != nil {
		return time.Unix(0, 0).UTC() // the source is not in git
	}
	return at.UTC()
}
