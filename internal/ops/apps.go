package ops

import (
	"context"
	"errors"
	"slices"
	"strings"

	"aftercall/internal/config"
	"aftercall/internal/ledger"
	"aftercall/internal/tencent"
)

// App finds a configured app by name or SDKAppID. An empty name means the only
// app; where several are configured, that is an error of usage.
func (d *Deps) App(name string) (*config.App, error) {
	apps, err := d.Apps(name)
	if err != nil {
		return nil, err
	}
	if len(apps) > 1 {
		return nil, Errorf(Usage, "name one with --app: "+strings.Join(appNames(apps), ", "), "several apps are configured")
	}
	return apps[0], nil
}

// Apps is App, but an empty name means all configured apps.
func (d *Deps) Apps(name string) ([]*config.App, error) {
	cfg, err := d.Config()
	if err != nil {
		return nil, err
	}
	all := make([]*config.App, len(cfg.Apps))
	for i := range cfg.Apps {
		all[i] = &cfg.Apps[i]
		if name == all[i].Name || name == all[i].SDKAppID.String() {
			return all[i : i+1], nil
		}
	}
	if name != "" {
		return nil, unknownApp(name, appNames(all))
	}
	return all, nil
}

// LedgerApp finds an app that is configured, or has entries in the ledger, by
// name or SDKAppID. Commands about the ledger use it: the ledger outlives the
// configuration, and an auditor need not have the configuration's secrets.
// An empty name is 0: all apps.
func (d *Deps) LedgerApp(ctx context.Context, name string) (tencent.SDKAppID, error) {
	if name == "" {
		return 0, nil
	}
	configured, err := d.Apps("")
	if err != nil && d.environ[configVariable] != "" {
		return 0, err
	}
	names := appNames(configured)
	for _, app := range configured {
		if name == app.Name || name == app.SDKAppID.String() {
			return app.SDKAppID, nil
		}
	}
	l, err := d.Ledger(ctx)
	if errors.Is(err, ledger.ErrMissing) && len(names) > 0 {
		return 0, unknownApp(name, names)
	}
	if err != nil {
		return 0, err
	}
	booked, err := l.Apps(ctx)
	if err != nil {
		return 0, Errorf(Failed, "", "list the ledger's apps: %w", err)
	}
	for _, app := range booked {
		if name == app.Name || name == app.SDKAppID.String() {
			return app.SDKAppID, nil
		}
		if !slices.Contains(names, app.Name) {
			names = append(names, app.Name)
		}
	}
	return 0, unknownApp(name, names)
}

func unknownApp(name string, known []string) error {
	if len(known) == 0 {
		return &Error{Kind: Usage, Err: errors.New("--app: there are no apps yet")}
	}
	return Errorf(Usage, "apps are: "+strings.Join(known, ", "), "--app: there is no app %q", name)
}

func appNames(apps []*config.App) []string {
	names := make([]string, len(apps))
	for i, app := range apps {
		names[i] = app.Name
	}
	return names
}
