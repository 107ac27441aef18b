package config

import (
	"fmt"
	"log/slog"
	"time"

	"aftercall/internal/billing"
	"aftercall/internal/notify"
	"aftercall/internal/tencent"
)

// Config is the YAML file. Load and Parse return it complete: defaults set,
// names resolved, everything checked. It is read-only and safe to share.
type Config struct {
	Apps     []App                     `yaml:"apps" required:"true" doc:"The Tencent RTC applications to serve, at least one."`
	Targets  []Target                  `yaml:"targets" doc:"Who is notified; each target may subscribe to some of the events."`
	Tariffs  map[string]billing.Tariff `yaml:"tariffs" required:"true" doc:"The tariffs by name."`
	Evidence *Evidence                 `yaml:"evidence" doc:"Where events are kept that say who was in a call: see [evidence.md](evidence.md)."`

	DedupeWindow time.Duration `yaml:"dedupe_window" default:"24h" doc:"How long Redis remembers a call at least, so that repeated callbacks of it cost Temporal nothing: 1h to 192h, and shorter than the namespace's retention. See [callback.md](callback.md#duplicates)."`

	variables map[string]bool
	// appCharges are those of allCharges, which every target would compute again.
	appCharges []notify.Charge
}

// App is one application at Tencent RTC and what to do with its calls.
type App struct {
	Name       string           `yaml:"name" required:"true" doc:"Shown in the Web UI, metrics and events: a-z, 0-9 and hyphens, unique."`
	SDKAppID   tencent.SDKAppID `yaml:"sdk_app_id" required:"true" doc:"SDKAppID from the Tencent RTC console, unique."`
	SecretKey  Secret           `yaml:"secret_key" required:"true" doc:"SDKSecretKey of the app from the same console page; it signs the UserSig for the REST API."`
	Identifier string           `yaml:"identifier" default:"administrator" doc:"An App administrator account of the app."`
	API        string           `yaml:"api" required:"true" doc:"Region of the app: china, singapore, seoul, frankfurt, silicon-valley or jakarta, or the REST API's base URL, https://…"`
	Callback   Callback         `yaml:"callback" required:"true" doc:"How callbacks prove that they come from Tencent."`
	// Tariff has one element without time if the file has a name.
	Tariff billing.Assignments `yaml:"tariff" required:"true" doc:"Name of a tariff in tariffs, or a list of tariffs with the time from which on each applies."`
	// Payer has one element that is for all calls if the file has a text.
	Payer          billing.Payers `yaml:"payer" doc:"Who pays for a call: caller, first_callee, room_owner or a template; or a list of rules, of which the first that is for the call applies; left out, and for calls that no rule is for, the caller. See [billing.md](billing.md#who-pays)."`
	RecordDeadline time.Duration  `yaml:"record_deadline" default:"30m" doc:"How long to wait for the record of a call, from when Tencent first reports that there is none, 1s to 168h (Tencent keeps records for seven days). Time during which Tencent does not respond, or refuses, does not count."`

	WithoutRecord billing.Unrecorded `yaml:"without_record" default:"review" doc:"What becomes of a call of which Tencent has no record by record_deadline: review (a person decides), evidence (charged by what callbacks and room both saw, which needs both in evidence; a review if they do not agree), or free. See [billing.md](billing.md#calls-without-a-record)."`

	GoLive   time.Time   `yaml:"go_live" doc:"Calls that ended earlier are never charged by a sweep or backfill, as in 2026-01-01T00:00:00Z; left out, sweeps charge calls that ended since the app's first start, and a backfill can charge earlier ones."`
	Sweep    Sweep       `yaml:"sweep" doc:"The periodic sweep of Tencent's records, which finds calls whose callback was lost."`
	Relay    *Relay      `yaml:"relay" doc:"The app's own backend, to which callbacks are relayed unchanged, because Tencent posts to one address only; left out, callbacks are not relayed."`
	Evidence AppEvidence `yaml:"evidence" doc:"Which events are kept that say who was in a call; left out, none."`

	// tariffs are those of the file.
	tariffs map[string]billing.Tariff
}

// App finds an app by its SDKAppID.
func (c *Config) App(id tencent.SDKAppID) (*App, bool) {
	for i := range c.Apps {
		if c.Apps[i].SDKAppID == id {
			return &c.Apps[i], true
		}
	}
	return nil, false
}

// AppNamed finds an app by its name.
func (c *Config) AppNamed(name string) (*App, bool) {
	for i := range c.Apps {
		if c.Apps[i].Name == name {
			return &c.Apps[i], true
		}
	}
	return nil, false
}

// APIBaseURL returns the base URL of Tencent's REST API for the app, without a
// slash at its end. D:68926
func (a *App) APIBaseURL() string {
	if preset, ok := tencent.Regions[a.API]; ok {
		return preset
	}
	return trimSlash(a.API)
}

// Rater prepares what charges the app's calls: each by the tariff that is assigned at
// its EndTime, and to who pays then.
func (a *App) Rater() (*billing.Rater, error) {
	rater, err := billing.NewAssignedRater(a.Tariff, a.tariffs)
	if err == nil {
		rater, err = rater.PaidBy(a.Payer)
	}
	if err != nil {
		return nil, fmt.Errorf("app %s: %w", a.Name, err)
	}
	return rater, nil
}

// LogValue is the name and the SDKAppID, which are public.
func (a App) LogValue() slog.Value {
	return slog.GroupValue(slog.String("name", a.Name), slog.String("sdk_app_id", a.SDKAppID.String()))
}

// resolve gives apps the tariffs that they name, and sets what has two forms. The
// configuration must be valid.
func (c *Config) resolve() {
	for i := range c.Apps {
		app := &c.Apps[i]
		app.tariffs = c.Tariffs
		if secrets := app.Callback.Secrets; len(secrets) > 0 {
			app.Callback.Secret = secrets[0]
		}
		if tokens := app.Callback.Tokens; len(tokens) > 0 {
			app.Callback.Token = tokens[0]
		}
		if keys := app.Evidence.RoomKeys; len(keys) > 0 {
			app.Evidence.RoomKey = keys[0]
		}
	}
}
