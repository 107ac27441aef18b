package ops

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"aftercall/internal/config"
)

// FindingStatus is the result of a check in one word.
type FindingStatus string

// The results of a check.
const (
	FindingOK FindingStatus = "ok"
	// FindingWarning: it works, but a person should look at it.
	FindingWarning FindingStatus = "warning"
	FindingFailed  FindingStatus = "failed"
	// FindingUnknown: it cannot be checked, because something else has failed.
	FindingUnknown FindingStatus = "unknown"
)

// Finding is the result of one check.
type Finding struct {
	Check string `json:"check"`
	App   string `json:"app,omitempty"`
	// OK is true for FindingOK and FindingWarning.
	OK     bool          `json:"ok"`
	Status FindingStatus `json:"status"`
	// Detail is what was found.
	Detail string `json:"detail"`
	// Cure is what to do where something is not in order.
	Cure string `json:"cure,omitempty"`
}

// CheckParams say what to check.
type CheckParams struct {
	// Probe also posts a probe to the callback URL of each app.
	Probe bool
}

// probeLimit is how long one probe may take. A schedule alone has scheduleTimeout.
const probeLimit = 25 * time.Second

// probe checks one thing: detail is what was found, err what is wrong with it. An
// error made by warn is a warning, and one made by cannotTell leaves it open.
type probe struct {
	name string
	// app is empty for what all apps share.
	app string
	// needs name probes that must not fail, or nothing can be said: of the same app,
	// or shared. One fault is one failed check.
	needs []string
	// explainedBy names a probe whose failure is the reason for a failure of this one.
	explainedBy string
	run         func(ctx context.Context, d *Deps) (detail string, err error)
}

// warningError is an error of a probe that is a warning.
type warningError struct{ error }

// Unwrap returns the error with its cure.
func (w warningError) Unwrap() error { return w.error }

// warn returns a warning.
func warn(cure, format string, args ...any) error {
	return warningError{Errorf(Failed, cure, format, args...)}
}

// unknownError is an error of a probe that could not find out anything.
type unknownError struct{ error }

// Unwrap returns the error with its cure.
func (u unknownError) Unwrap() error { return u.error }

// cannotTell returns an error of a probe that could not find out anything.
func cannotTell(cure, format string, args ...any) error {
	return unknownError{Errorf(Incomplete, cure, format, args...)}
}

// Check checks everything that calls depend on, and changes nothing. Findings that
// are failed come with an error of kind Refused, and otherwise those that are
// unknown with one of kind Incomplete.
func (d *Deps) Check(ctx context.Context, p CheckParams) ([]Finding, error) {
	found, err := d.findings(ctx, p)
	if err != nil {
		return nil, err
	}
	failed, unknown := 0, 0
	for _, f := range found {
		switch f.Status {
		case FindingFailed:
			failed++
		case FindingUnknown:
			unknown++
		case FindingOK, FindingWarning:
		}
	}
	switch {
	case failed > 0:
		return found, Errorf(Refused, "", "%d of %d checks failed", failed, len(found))
	case unknown > 0:
		return found, Errorf(Incomplete, "run it again", "%d of %d checks found nothing out", unknown, len(found))
	}
	return found, nil
}

func (d *Deps) findings(ctx context.Context, p CheckParams) ([]Finding, error) {
	cfg, err := d.Config()
	var invalid *config.Error
	if errors.As(err, &invalid) {
		var found []Finding
		for _, problem := range invalid.Problems {
			found = append(found, Finding{
				Check: "configuration", Status: FindingFailed, Detail: problem.String(),
				Cure: "docs/configuration.md says what each key means; nothing else can be checked before",
			})
		}
		return found, nil
	}
	if err != nil {
		return nil, err
	}
	found := []Finding{newFinding("configuration", "", fmt.Sprintf("%s: %d apps, %d targets, %d tariffs",
		d.settings.ConfigFile, len(cfg.Apps), len(cfg.Targets), len(cfg.Tariffs)), nil)}
	return append(found, d.runProbes(ctx, d.probes(cfg, p))...), nil
}

// probes are all that there is to check, in the order of the findings.
func (d *Deps) probes(cfg *config.Config, p CheckParams) []probe {
	all := sharedProbes()
	if cfg.KeepsEvidence() {
		all = append(all, probe{name: evidenceProbe, run: probeEvidence})
	}
	all = append(all, receiverProbes(cfg)...)
	for i := range cfg.Apps {
		all = append(all, appProbes(&cfg.Apps[i], p)...)
	}
	return all
}

// runProbes runs all probes side by side, each after those that it needs.
func (d *Deps) runProbes(ctx context.Context, probes []probe) []Finding {
	found := make([]Finding, len(probes))
	done := make(map[[2]string]chan struct{}, len(probes))
	index := make(map[[2]string]int, len(probes))
	for i, p := range probes {
		key := [2]string{p.name, p.app}
		done[key], index[key] = make(chan struct{}), i
	}
	var wg sync.WaitGroup
	for i, p := range probes {
		wg.Go(func() {
			defer close(done[[2]string{p.name, p.app}])
			result := func(name string) FindingStatus {
				key := [2]string{name, p.app}
				if done[key] == nil {
					key[1] = ""
				}
				<-done[key]
				return found[index[key]].Status
			}
			for _, need := range p.needs {
				if status := result(need); status == FindingFailed || status == FindingUnknown {
					found[i] = newFinding(p.name, p.app, "", cannotTell("", "cannot be checked without %s", need))
					return
				}
			}
			if p.explainedBy != "" && result(p.explainedBy) == FindingFailed {
				found[i] = newFinding(p.name, p.app, "", cannotTell("", "cannot be checked without %s", p.explainedBy))
				return
			}
			ctx, cancel := context.WithTimeout(ctx, probeLimit)
			defer cancel()
			detail, err := p.run(ctx, d)
			found[i] = newFinding(p.name, p.app, detail, err)
		})
	}
	wg.Wait()
	return found
}

func newFinding(check, app, detail string, err error) Finding {
	f := Finding{Check: check, App: app, Status: FindingOK, Detail: detail}
	if err != nil {
		f.Status, f.Detail, f.Cure = FindingFailed, err.Error(), cureOf(err)
	}
	switch {
	case errors.As(err, new(warningError)):
		f.Status = FindingWarning
	case errors.As(err, new(unknownError)):
		f.Status = FindingUnknown
	}
	f.OK = f.Status == FindingOK || f.Status == FindingWarning
	return f
}
