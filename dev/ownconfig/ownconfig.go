// Package ownconfig makes a configuration that somebody has written for production
// one that the local stack can serve: Tencent is the simulated one, callbacks come to
// the local starter, and whatever would leave the machine goes to the local receiver.
// What decides about calls, such as tariffs, sweeps and subscriptions, stays.
package ownconfig

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"go.yaml.in/yaml/v3"

	"aftercall/internal/config"
)

// Addresses are those of the stack. All but Mail are URLs.
type Addresses struct {
	Tencent, Starter, Receiver string
	// Mail is the host:port of a mail server.
	Mail string
}

// StandIn is a receiver that the stack has in place of one that the file names.
type StandIn struct {
	// Name is that of the target, or that of an app followed by .relay.
	Name string
	// Path is where it receives, below Addresses.Receiver.
	Path string
	// Secret is that of a webhook, empty for what is not signed.
	Secret string
	// Mail is a target that is sent mails.
	Mail bool
}

// Local is a configuration for the stack.
type Local struct {
	// YAML is the file. It names variables where the user's does.
	YAML []byte
	// Variables are those that the file names: as they are set, or MadeUp.
	Variables map[string]string
	// MadeUp are the names of those that are not set and have a value for the simulation.
	MadeUp []string
	// StandIns are those of relays, then those of targets, each in the order of the file.
	StandIns []StandIn
	// Kept are the targets on this machine, which the stack leaves alone.
	Kept []string
	// Tariffs are the names of all tariffs.
	Tariffs []string
}

// HasMail reports whether a target is sent mails in place of a real mail server.
func (l *Local) HasMail() bool {
	return slices.ContainsFunc(l.StandIns, func(s StandIn) bool { return s.Mail })
}

// Read reads the user's file. lookup, usually os.LookupEnv, gives the variables that
// are set. The error is a *config.Error with every problem of the file.
func Read(path string, lookup func(string) (string, bool), at Addresses) (*Local, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		if _, problem := config.Load(path, lookup); problem != nil {
			return nil, problem // says more about such a path
		}
		return nil, err
	}
	var document yaml.Node
	if err := yaml.Unmarshal(data, &document); err != nil || len(document.Content) == 0 {
		if _, problem := config.Parse(path, data, lookup); problem != nil {
			return nil, problem // says more about such a file
		}
		return nil, fmt.Errorf("%s: is not YAML that the stack can rewrite: %w", path, err)
	}
	root := document.Content[0]
	variables := newVariables(lookup)
	variables.find(root, "")
	parsed, err := config.Parse(path, data, variables.value)
	if err != nil {
		return nil, err
	}
	l := &Local{Variables: variables.used, MadeUp: slices.Sorted(maps.Keys(variables.madeUp)), Tariffs: slices.Sorted(maps.Keys(parsed.Tariffs))}
	l.redirect(root, parsed, at)
	absolute, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	document.HeadComment = "Made from " + absolute + " for the local stack, which reads this file only when it starts.\n\n" + document.HeadComment
	var out bytes.Buffer
	encoder := yaml.NewEncoder(&out)
	encoder.SetIndent(2)
	if err := encoder.Encode(&document); err != nil {
		return nil, fmt.Errorf("write the configuration for the stack: %w", err)
	}
	l.YAML = out.Bytes()
	return l, nil
}
