package cli

import (
	"runtime"
	"runtime/debug"
	"time"
)

type versionCommand struct {
	Format
}

// version is what was built, and from what.
type version struct {
	// Version is the tag, or the pseudo-version of a commit without one.
	Version string `json:"version"`
	Commit  string `json:"commit,omitempty"`
	// Date is that of the commit, in RFC 3339.
	Date string `json:"date,omitempty"`
	// Modified says that the source differed from the commit.
	Modified bool   `json:"modified"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

// Run prints what Go has recorded in the binary.
func (c versionCommand) Run(p Process) error {
	v := newVersion(debug.ReadBuildInfo())
	return c.Print(p, v, func(s screen) {
		commit := v.Commit
		if v.Modified {
			commit += " (modified)"
		}
		writeFields(s, [2]string{"Version", v.Version}, [2]string{"Commit", commit}, [2]string{"Date", v.Date}, [2]string{"Go", v.Go + " " + v.Platform})
	})
}

func newVersion(info *debug.BuildInfo, ok bool) version {
	v := version{Version: "unknown", Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	if !ok {
		return v
	}
	if info.Main.Version != "" {
		v.Version = info.Main.Version
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			v.Commit = s.Value
		case "vcs.time":
			if at, err := time.Parse(time.RFC3339, s.Value); err == nil {
				v.Date = at.UTC().Format(time.RFC3339)
			}
		case "vcs.modified":
			v.Modified = s.Value == "true"
		}
	}
	return v
}
