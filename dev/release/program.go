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

// aftercall is the program that releases are about.
const aftercall = "aftercall"

// packages are the programs of images by name, and descriptions say what they do. Under
// its otherNames a program is another one.
var (
	packages     = map[string]string{aftercall: ".", "simulator": "./dev/simulator"}
	otherNames   = map[string][]string{aftercall: {"starter", "worker"}}
	descriptions = map[string]string{
		aftercall:   "Charges ended calls of Tencent RTC and notifies the systems that need to know.",
		"simulator": "A simulated Tencent for a first look at aftercall: calls end, and notifications arrive.",
	}
)

// program is a built program, and what Go has recorded in it.
type program struct {
	name     string
	path     string
	platform v1.Platform
	info     *buildinfo.BuildInfo
}

// build builds a program for a platform. The same source and the same Go make the
// same bytes, whatever the folder.
func build(ctx context.Context, root, folder, name string, platform v1.Platform) (program, error) {
	path := filepath.Join(folder, name+"-"+platform.OS+"-"+platform.Architecture)
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags=-s -w", "-o", path, packages[name])
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+platform.OS, "GOARCH="+platform.Architecture)
	if out, err := cmd.CombinedOutput(); err != nil {
		return program{}, fmt.Errorf("build %s for %s: %w\n%s", name, platform, err, out)
	}
	info, err := buildinfo.ReadFile(path)
	if err != nil {
		return program{}, fmt.Errorf("read what was built: %w", err)
	}
	return program{name, path, platform, info}, nil
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
