package main

import (
	"context"
	"fmt"
	"regexp"
	"time"

	"aftercall/dev/tencentsim"
	"aftercall/internal/tencent"
)

// effect says what a fault has done so far, and is empty as long as nothing is seen.
type effect func(context.Context) (string, error)

const (
	// unseen bounds how long a fault is prolonged of which no effect is seen.
	unseen = 45 * time.Second
	// certain is the effect of a fault that has one by its nature, as the death of a
	// process.
	certain = "it has happened"
	// noEffect is what a timeline says of a fault that happened to nobody.
	noEffect = "no effect was seen, and it is not counted"
)

// shows says how the effect of the fault that happens now is seen.
func (w *world) shows(effect effect) { w.effect = effect }

// awaitEffect returns the effect of the fault that happens now. Calls end until there is
// one.
func (w *world) awaitEffect(ctx context.Context) (string, error) {
	if w.effect == nil {
		return certain, nil
	}
	return w.leadTo(ctx, w.effect)
}

// leadTo lets calls end until there is an effect, or for a while.
func (w *world) leadTo(ctx context.Context, effect effect) (seen string, err error) {
	for n, began := 1, time.Now(); ; n++ {
		if seen, err = effect(ctx); seen != "" || err != nil || time.Since(began) >= unseen {
			return seen, err
		}
		if err := w.placeClean(cleanApp(n), fmt.Sprintf("effect-%d-%d", began.Unix(), n), false); err != nil {
			return "", err
		}
		if err := wait(ctx, 2*time.Second); err != nil {
			return "", err
		}
	}
}

// cleanApp is the app of the nth of some calls: one of two, of which one has events.
func cleanApp(n int) tencent.SDKAppID { return []tencent.SDKAppID{clinic, seminar}[n%2] }

// placeClean ends a call of an app with which nothing is wrong, except that its callback may
// be lost. Its record is there at once.
func (w *world) placeClean(app tencent.SDKAppID, callID string, lose bool) error {
	_, err := w.placeNow(plannedCall{recorded: true, clean: true, spec: tencentsim.CallSpec{
		SDKAppID: app, CallID: callID, Seconds: 61, EndedAgoSeconds: 6, Duplicates: 1, Lose: lose,
	}})
	return err
}

// counts is the effect that a count grows from now on.
func counts(what string, count func(context.Context) (int, error)) (begin func(context.Context) (effect, error)) {
	return func(ctx context.Context) (effect, error) {
		before, err := count(ctx)
		return func(ctx context.Context) (string, error) {
			now, err := count(ctx)
			if now <= before {
				return "", err
			}
			return fmt.Sprintf("%d %s", now-before, what), err
		}, err
	}
}

// showsCount says that the effect of the fault is that a count grows.
func (w *world) showsCount(ctx context.Context, what string, count func(context.Context) (int, error)) error {
	effect, err := counts(what, count)(ctx)
	w.shows(effect)
	return err
}

// The complaints of starters and workers that show that something fails. Others are about
// calls with which something is wrong, also where they name the ledger.
var (
	complaintOfLedger     = regexp.MustCompile(`(?i)ledger.*(locked|busy|read-?only|full|no space|timeout|deadline|unavailable)`)
	complaintOfConnection = regexp.MustCompile(`(?i)connection refused|reset by peer|EOF|unavailable|not ready|is down|does not work|failed to poll|is silent|breaker open`)
)

// showsComplaint says that the effect of the fault is a complaint.
func (w *world) showsComplaint(pattern *regexp.Regexp) error {
	before, err := w.logs()
	w.shows(func(context.Context) (string, error) {
		now, err := w.complaints(before)
		return now.about(pattern), err
	})
	return err
}
