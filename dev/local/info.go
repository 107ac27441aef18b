package local

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"aftercall/internal/tencent"
)

// Info is what other processes need to use a running stack.
type Info struct {
	Ports Ports `json:"ports"`
	PID   int   `json:"pid"`
	// Apps are the apps that it serves, in the order of its configuration.
	Apps []InfoApp `json:"apps"`
}

// InfoApp is an app that a stack serves.
type InfoApp struct {
	Name     string           `json:"name"`
	SDKAppID tencent.SDKAppID `json:"sdk_app_id"`
}

const infoFile = "stack.json"

func (s *Stack) writeInfo() error {
	info := Info{Ports: s.ports, PID: os.Getpid()}
	for _, app := range s.Config.Apps {
		info.Apps = append(info.Apps, InfoApp{app.Name, app.SDKAppID})
	}
	data, err := json.MarshalIndent(info, "", "  ")
	if err != nil {
		return err
	}
	path := filepath.Join(s.dir, infoFile)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		return fmt.Errorf("describe the stack: %w", err)
	}
	s.onStop("description", func(context.Context) error { return os.Remove(path) })
	return s.writeEnviron()
}

// environFile is sourced by shells that run commands against the stack.
const environFile = "env"

func (s *Stack) writeEnviron() error {
	environ := s.Environ()
	var lines strings.Builder
	for _, name := range slices.Sorted(maps.Keys(environ)) {
		fmt.Fprintf(&lines, "export %s='%s'\n", name, strings.ReplaceAll(environ[name], "'", `'\''`))
	}
	path := filepath.Join(s.dir, environFile)
	if err := os.WriteFile(path, []byte(lines.String()), 0o600); err != nil {
		return fmt.Errorf("write the environment of the stack: %w", err)
	}
	s.onStop("environment", func(context.Context) error { return os.Remove(path) })
	return nil
}

// IsRunning reports whether a stack has its state in dir.
func IsRunning(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, infoFile))
	return err == nil
}

// ReadInfo returns the Info of the stack whose state is in dir.
func ReadInfo(dir string) (Info, error) {
	var info Info
	data, err := os.ReadFile(filepath.Join(dir, infoFile))
	if errors.Is(err, os.ErrNotExist) {
		return info, errors.New("no stack is running here: start one with `make dev` or `make cluster` in another terminal")
	}
	if err != nil {
		return info, err
	}
	return info, json.Unmarshal(data, &info)
}

// App finds an app by its name or SDKAppID; the first one if neither is given.
func (i Info) App(nameOrID string) (InfoApp, error) {
	names := make([]string, len(i.Apps))
	for n, app := range i.Apps {
		if nameOrID == "" || nameOrID == app.Name || nameOrID == app.SDKAppID.String() {
			return app, nil
		}
		names[n] = app.Name
	}
	return InfoApp{}, fmt.Errorf("--app: the stack has no app %q: it has %s", nameOrID, strings.Join(names, ", "))
}
