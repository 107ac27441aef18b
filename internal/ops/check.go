package ops

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"aftercall/internal/config"
)

// Finding is the result of one check.
type Finding struct {
	Check string `json:"check"`
	App   string `json:"app,omitempty"`
	OK    bool   `json:"ok"`
	// Detail is what was found.
	Detail string `json:"detail"`
	// Cure is what to do where it is not OK.
	Cure string `json:"cure,omitempty"`
}

// probe checks one thing: detail is what was found, err what is wrong with it.
type probe struct {
	name string
	run  func(ctx context.Context, d *Deps) (detail string, err error)
	// needs names a probe of the same section that must pass first.
	needs string
}

// appProbe is a probe of every app.
type appProbe struct {
	name string
	run  func(ctx context.Context, d *Deps, app *config.App) (detail string, err error)
}

// section is a group of probes that run one after the other; sections run side
// by side.
type section func(ctx context.Context, d *Deps) []Finding

// Check checks everything that calls depend on, and changes nothing. Findings
// that are not OK come with an error of kind Refused.
func (d *Deps) Check(ctx context.Context) ([]Finding, error) {
	found, err := d.findings(ctx)
	if err != nil {
		return nil, err
	}
	failed := 0
	for _, f := range found {
		if !f.OK {
			failed++
		}
	}
	if failed > 0 {
		return found, Errorf(Refused, "", "%d of %d checks failed", failed, len(found))
	}
	return found, nil
}

func (d *Deps) findings(ctx context.Context) ([]Finding, error) {
	cfg, err := d.Config()
	var invalid *config.Error
	if errors.As(err, &invalid) {
		var found []Finding
		for _, problem := range invalid.Problems {
			found = append(found, Finding{
				Check: "configuration", Detail: problem.String(),
				Cure: "docs/configuration.md says what each key means; nothing else can be checked before",
			})
		}
		return found, nil
	}
	if err != nil {
		return nil, err
	}
	sections := sectionsOf(cfg)
	results := make([][]Finding, len(sections))
	var wg sync.WaitGroup
	for i, run := range sections {
		wg.Go(func() { results[i] = run(ctx, d) })
	}
	wg.Wait()
	found := []Finding{newFinding("configuration", "", fmt.Sprintf("%s: %d apps, %d targets, %d tariffs",
		d.settings.ConfigFile, len(cfg.Apps), len(cfg.Targets), len(cfg.Tariffs)), nil)}
	for _, result := range results {
		found = append(found, result...)
	}
	return found, nil
}

// sectionsOf returns everything there is to check, in the order of the findings.
func sectionsOf(cfg *config.Config) []section {
	all := []section{inOrder(redisProbe, targetsProbe), inOrder(temporalProbes...), inOrder(ledgerProbe, heldProbe)}
	for i := range cfg.Apps {
		app := &cfg.Apps[i]
		for _, p := range appProbes {
			all = append(all, func(ctx context.Context, d *Deps) []Finding {
				detail, err := p.run(ctx, d, app)
				return []Finding{newFinding(p.name, app.Name, detail, err)}
			})
		}
	}
	return all
}

func inOrder(probes ...probe) section {
	return func(ctx context.Context, d *Deps) []Finding {
		failed := map[string]bool{}
		var found []Finding
		for _, p := range probes {
			if failed[p.needs] {
				failed[p.name] = true
				found = append(found, Finding{Check: p.name, Detail: "cannot be checked without " + p.needs})
				continue
			}
			detail, err := p.run(ctx, d)
			failed[p.name] = err != nil
			found = append(found, newFinding(p.name, "", detail, err))
		}
		return found
	}
}

func newFinding(check, app, detail string, err error) Finding {
	f := Finding{Check: check, App: app, OK: err == nil, Detail: detail}
	if err != nil {
		f.Detail = err.Error()
		var detailed *Error
		if errors.As(err, &detailed) {
			f.Cure = detailed.Cure
		}
	}
	return f
}
