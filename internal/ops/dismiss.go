package ops

import (
	"context"
	"errors"
	"strings"

	"aftercall/internal/config"
	"aftercall/internal/ledger"
)

// minKeyPrefix is how much of a key names what is held back, in digits.
const minKeyPrefix = 8

// DismissResult is what was held back.
type DismissResult struct {
	App string `json:"app"`
	HeldCall
	// Dismissed is false if that had been said before.
	Dismissed bool `json:"dismissed"`
}

// Dismiss says that what sweeps hold back is not tried any more, because it was
// dealt with by other means. id is its CallId or the beginning of its key. The
// reason stays in the ledger's database.
func (d *Deps) Dismiss(ctx context.Context, appName, id string, s Signature) (*DismissResult, error) {
	signed, err := s.correction()
	if err != nil {
		return nil, err
	}
	app, h, err := d.findHeld(ctx, appName, id)
	if err != nil {
		return nil, err
	}
	if h.Dismissal != nil {
		return &DismissResult{App: app.Name, HeldCall: h}, nil
	}
	l, err := d.WritableLedger(ctx)
	if err != nil {
		return nil, err
	}
	err = l.Dismiss(ctx, app.SDKAppID, h.Key, signed)
	if errors.Is(err, ledger.ErrNotHeld) {
		return nil, Errorf(Refused, "", "it is not held back any more: it has just been started, or dismissed by someone else")
	}
	if err != nil {
		return nil, err
	}
	_, h, err = d.findHeld(ctx, app.Name, h.Key)
	return &DismissResult{App: app.Name, HeldCall: h, Dismissed: true}, err
}

// findHeld finds what is held back, or was until it was dismissed.
func (d *Deps) findHeld(ctx context.Context, appName, id string) (*config.App, HeldCall, error) {
	apps, err := d.Apps(appName)
	if err != nil {
		return nil, HeldCall{}, err
	}
	type match struct {
		app  *config.App
		held HeldCall
	}
	for _, list := range []func(context.Context, *config.App) ([]HeldCall, error){d.heldBack, d.dismissed} {
		var found []match
		for _, app := range apps {
			all, err := list(ctx, app)
			if err != nil {
				return nil, HeldCall{}, err
			}
			for _, h := range all {
				if id != "" && h.CallID == id || len(id) >= minKeyPrefix && strings.HasPrefix(h.Key, id) {
					found = append(found, match{app, h})
				}
			}
		}
		switch {
		case len(found) == 1:
			return found[0].app, found[0].held, nil
		case len(found) > 1:
			return nil, HeldCall{}, Errorf(Usage, "name one by its key, and with --app; see aftercall sweep status --output json", "%d of what is held back are called %s", len(found), id)
		}
	}
	return nil, HeldCall{}, Errorf(NotFound, "aftercall sweep status lists what is", "nothing is held back with the CallId or key %s", id)
}
