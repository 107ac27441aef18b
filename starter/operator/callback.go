package operator

import (
	"context"
	"fmt"
	"io"

	cli "aftercall/internal/oldcli"
	"aftercall/internal/tencent"
)

type callbackCommand struct {
	Show   callbackShowCommand   `cmd:"" help:"Show where Tencent posts callbacks, and where it should."`
	Set    callbackSetCommand    `cmd:"" help:"Register where Tencent posts the callbacks of an app."`
	Delete callbackDeleteCommand `cmd:"" help:"End the callbacks of an app."`
}

// callbackFlags are common to the commands about callbacks.
type callbackFlags struct {
	cli.Output
	App        string `help:"Name or SDKAppID of the app; may be left out if there is but one."`
	ShowSecret bool   `help:"Show URLs with their secret."`
}

// endpoint is a callback registration for scripts.
type endpoint struct {
	URL      string            `json:"url"`
	Commands []tencent.Command `json:"commands"`
}

// registrationReport is the result of every command about callbacks.
type registrationReport struct {
	App        string           `json:"app"`
	SDKAppID   tencent.SDKAppID `json:"sdk_app_id"`
	Registered *endpoint        `json:"registered"`
	// Configured is null where the configuration knows no public address.
	Configured *endpoint `json:"configured"`
	// Differences are empty when all is well.
	Differences []string `json:"differences"`
	// Action is what the command did, or would do.
	Action string `json:"action"`
}

const (
	actionNone        = "none"
	actionSet         = "set"
	actionWouldSet    = "would set"
	actionDeleted     = "deleted"
	actionWouldDelete = "would delete"
)

func (f callbackFlags) report(r registration, action string) registrationReport {
	point := func(c *tencent.CallbackConfig) *endpoint {
		if c == nil {
			return nil
		}
		return &endpoint{URL: shown(r.app, c.URL, f.ShowSecret), Commands: c.Commands}
	}
	return registrationReport{
		App: r.app.Name, SDKAppID: r.app.SDKAppID, Registered: point(r.registered), Configured: point(r.wanted),
		Differences: append([]string{}, r.differences(f.ShowSecret)...), Action: action,
	}
}

func (p registrationReport) write(w io.Writer) {
	describe := func(e *endpoint, none string) string {
		if e == nil {
			return none
		}
		return e.URL + "\n" + words(e.Commands)
	}
	have, want := "Registered", "Wanted"
	if p.Action == actionSet {
		have, want = "Was", "Is now"
	}
	fields := [][2]string{
		{"App", fmt.Sprintf("%s (%s)", p.App, p.SDKAppID)},
		{have, describe(p.Registered, "none: Tencent posts no callbacks")},
		{want, describe(p.Configured, "not known: apps[].callback.base_url is not set")},
	}
	for i, difference := range p.Differences {
		label := ""
		if i == 0 {
			label = "Difference"
		}
		fields = append(fields, [2]string{label, difference})
	}
	if len(p.Differences) == 0 {
		fields = append(fields, [2]string{"Difference", "none"})
	}
	if p.Action != actionNone {
		fields = append(fields, [2]string{"Done", p.Action})
	}
	cli.Fields(w, fields...)
}

type callbackShowCommand struct {
	callbackFlags
}

// Help teaches.
func (callbackShowCommand) Help() string {
	return `Ends with 3 when what is registered is not what is configured.

Examples:

  starter callback show
  starter callback show --app clinic --show-secret
  starter callback show --output json | jq '.[] | select(.differences != [])'`
}

// Run shows every app, or one.
func (c callbackShowCommand) Run(ctx context.Context, p cli.Process) error {
	return using(ctx, p, func(t *tools) error { return c.show(ctx, t) })
}

func (c callbackShowCommand) show(ctx context.Context, t *tools) error {
	apps, err := t.apps(c.App)
	if err != nil {
		return err
	}
	reports := make([]registrationReport, len(apps))
	wrong := 0
	for i, app := range apps {
		have, err := registered(ctx, t, app)
		if err != nil {
			return err
		}
		reports[i] = c.report(registration{app, have, configured(app)}, actionNone)
		if len(reports[i].Differences) > 0 {
			wrong++
		}
	}
	if err := c.Print(t.process.Stdout, reports, func(w io.Writer) {
		for i, r := range reports {
			if i > 0 {
				fmt.Fprintln(w)
			}
			r.write(w)
		}
	}); err != nil {
		return err
	}
	if wrong > 0 {
		return cli.Errorf(cli.Refused, "mend it with: starter callback set", "%d of %d registrations are not what is configured", wrong, len(apps))
	}
	return nil
}
