package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"aftercall/internal/ops"
	"aftercall/internal/tencent"
)

type callbackCommands struct {
	Show   callbackShowCommand   `cmd:"" help:"Show where Tencent posts callbacks, and where it should."`
	Set    callbackSetCommand    `cmd:"" help:"Register where Tencent posts the callbacks of an app."`
	Delete callbackDeleteCommand `cmd:"" help:"Delete the registered callback of an app."`
}

type callbackShowCommand struct {
	ListFormat
	App        string `help:"Name or SDKAppID of the app; without it, all apps are shown." placeholder:"APP"`
	ShowSecret bool   `help:"Show URLs with their secret."`
}

// Help explains by examples.
func (callbackShowCommand) Help() string {
	return `The exit code is 3 when what is registered is not what is configured.

Examples:

  aftercall callback show
  aftercall callback show --app clinic --show-secret
  aftercall callback show --output json | jq '.[] | select(.differences != [])'`
}

// Run shows the registered callbacks.
func (c callbackShowCommand) Run(ctx context.Context, p Process, d *ops.Deps) error {
	all, err := d.Callbacks(ctx, c.App, c.ShowSecret)
	if all == nil {
		return err
	}
	return errors.Join(c.Print(
		p, all,
		func(w io.Writer) error { return writeCSV(w, all, callbackColumns) },
		func(s screen) {
			for i := range all {
				if i > 0 {
					fmt.Fprintln(s)
				}
				writeCallback(s, &all[i])
			}
		},
	), err)
}

var callbackColumns = []column[ops.CallbackStatus]{
	{key: "app", value: func(c ops.CallbackStatus) string { return c.App }},
	{key: "sdk_app_id", value: func(c ops.CallbackStatus) string { return c.SDKAppID.String() }},
	{key: "registered_url", value: func(c ops.CallbackStatus) string { return endpointURL(c.Registered) }, foreign: true},
	{key: "registered_commands", value: func(c ops.CallbackStatus) string { return endpointCommands(c.Registered) }, foreign: true},
	{key: "configured_url", value: func(c ops.CallbackStatus) string { return endpointURL(c.Configured) }, foreign: true},
	{key: "configured_commands", value: func(c ops.CallbackStatus) string { return endpointCommands(c.Configured) }, foreign: true},
	{key: "differences", value: func(c ops.CallbackStatus) string { return strings.Join(c.Differences, "; ") }, foreign: true},
}

func endpointURL(e *ops.CallbackEndpoint) string {
	if e == nil {
		return ""
	}
	return e.URL
}

func endpointCommands(e *ops.CallbackEndpoint) string {
	if e == nil {
		return ""
	}
	return ops.CommandList(e.Commands)
}

func writeCallback(s screen, c *ops.CallbackStatus) {
	describe := func(e *ops.CallbackEndpoint, none string) string {
		if e == nil {
			return none
		}
		return e.URL + "\n" + ops.CommandList(e.Commands)
	}
	registered, configured := "Registered", "Configured"
	if c.Action == ops.CallbackSet {
		registered, configured = "Before", "Now"
	}
	fields := []field{
		{name: "App", value: fmt.Sprintf("%s (%s)", c.App, c.SDKAppID)},
		{name: registered, value: describe(c.Registered, "none: Tencent posts no callbacks")},
		{name: configured, value: describe(c.Configured, "unknown: apps[].callback.base_url is not set")},
	}
	for i, difference := range c.Differences {
		label := ""
		if i == 0 {
			label = "Difference"
		}
		line := field{name: label, value: difference}
		if c.Action != ops.CallbackSet {
			line.paint = s.red
		}
		fields = append(fields, line)
	}
	if len(c.Differences) == 0 {
		fields = append(fields, field{name: "Difference", value: "none", paint: s.green})
	}
	if c.Action != ops.CallbackUnchanged {
		fields = append(fields, field{name: "Done", value: strings.ReplaceAll(string(c.Action), "_", " ")})
	}
	writePainted(s, fields...)
}

type callbackSetCommand struct {
	Format
	App        string            `help:"Name or SDKAppID of the app; may be left out if only one is configured." placeholder:"APP"`
	URL        string            `help:"Register this URL instead of apps[].callback.base_url with the app's secret." placeholder:"URL"`
	Commands   []tencent.Command `help:"Commands that Tencent posts; without it, those that the app's configuration needs." placeholder:"COMMAND"`
	Force      bool              `help:"Overwrite a URL that is not this app's."`
	DryRun     bool              `help:"Show what would be done, and do nothing."`
	ShowSecret bool              `help:"Show URLs with their secret."`
}

// Help explains by examples.
func (callbackSetCommand) Help() string {
	return `Tencent keeps one callback URL for each SDKAppID, and a new one silently replaces the old one. So the old one is read
and shown first, and a URL that is not this app's is left alone without --force.

Examples:

  aftercall callback set --app clinic --dry-run
  aftercall callback set --app clinic
  aftercall callback set --app clinic --force       # takes over from another backend
  aftercall callback set --app clinic --commands Call.CallbackAfterStartCall,Call.CallbackAfterEndCall`
}

// Run registers the callback of one app.
func (c callbackSetCommand) Run(ctx context.Context, p Process, d *ops.Deps) error {
	status, err := d.SetCallback(ctx, ops.SetCallbackParams{
		App: c.App, URL: c.URL, Commands: c.Commands, Force: c.Force, DryRun: c.DryRun, ShowSecret: c.ShowSecret,
	})
	return printCallback(p, c.Format, status, err)
}

type callbackDeleteCommand struct {
	Format
	App        string `help:"Name or SDKAppID of the app; may be left out if only one is configured." placeholder:"APP"`
	Force      bool   `help:"Delete also a URL that is not this app's."`
	DryRun     bool   `help:"Show what would be done, and do nothing."`
	ShowSecret bool   `help:"Show URLs with their secret."`
}

// Help explains by examples.
func (callbackDeleteCommand) Help() string {
	return `Without a callback, calls are charged only when a sweep finds them. A URL that is not this app's is left alone without
--force.

Examples:

  aftercall callback delete --app clinic --dry-run
  aftercall callback delete --app clinic`
}

// Run deletes the registered callback of one app.
func (c callbackDeleteCommand) Run(ctx context.Context, p Process, d *ops.Deps) error {
	status, err := d.DeleteCallback(ctx, ops.DeleteCallbackParams{App: c.App, Force: c.Force, DryRun: c.DryRun, ShowSecret: c.ShowSecret})
	return printCallback(p, c.Format, status, err)
}

func printCallback(p Process, f Format, status *ops.CallbackStatus, err error) error {
	if status == nil {
		return err
	}
	return errors.Join(f.Print(p, status, func(s screen) { writeCallback(s, status) }), err)
}
