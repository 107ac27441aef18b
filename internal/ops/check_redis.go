package ops

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"aftercall/activities"
	"aftercall/internal/circuit"
	"aftercall/internal/presence"
	"aftercall/internal/redisguard"
)

func probeRedis(ctx context.Context, d *Deps) (string, error) {
	rdb, guard, err := d.Redis()
	if err != nil {
		return "", err
	}
	took, err := ask(ctx, func(ctx context.Context) (time.Duration, error) {
		took, err := fastest(ctx, guard.Ping)
		if err != nil {
			return 0, err
		}
		// On a busy machine the first attempt may have failed. What needs Redis is
		// checked only once it is used again.
		return took, guard.AwaitUp(ctx)
	})
	if err == nil {
		_, err = ask(ctx, func(ctx context.Context) (struct{}, error) { return struct{}{}, redisguard.CheckPermissions(ctx, rdb) })
	}
	switch {
	case redisguard.Refused(err):
		return "", Errorf(Failed, redisguard.RefusalCure, "%s refuses: %w", d.settings.RedisURL, err)
	case err != nil:
		return "", Errorf(Failed, "is Redis up, and not full or read-only? Calls are handled without it, but every duplicate costs Temporal a request",
			"%s accepts no writes: %w", d.settings.RedisURL, err)
	}
	answers := fmt.Sprintf("%s answers in %s", d.settings.RedisURL, took.Round(100*time.Microsecond))
	detail, err := redisSpeed(answers, took, d.settings.RedisTimeout)
	if err != nil {
		return "", err
	}
	info, err := rdb.InfoMap(ctx, "server").Result()
	if err != nil {
		return detail, nil //nolint:nilerr // not every service allows it
	}
	version := info["Server"]["redis_version"]
	if major, err := strconv.Atoi(strings.SplitN(version, ".", 2)[0]); err == nil && major < 7 {
		return "", Errorf(Failed, "use Redis 7.0 or newer", "%s is Redis %s", d.settings.RedisURL, version)
	}
	return strings.TrimSuffix(detail+", version "+version, ", version "), nil
}

// fastest is the least time that a request took of several: a busy machine delays some.
func fastest(ctx context.Context, request func(context.Context) error) (time.Duration, error) {
	took := time.Duration(math.MaxInt64)
	for range 3 {
		start := time.Now()
		if err := request(ctx); err != nil {
			return 0, err
		}
		took = min(took, time.Since(start))
	}
	return took, nil
}

// redisSpeed judges the answer that took so long from where the command runs.
func redisSpeed(answers string, took, timeout time.Duration) (string, error) {
	switch {
	case took > timeout:
		return "", Errorf(Failed, "use a Redis that is nearer, or raise AFTERCALL_REDIS_TIMEOUT, which may be "+redisguard.MaxTimeout.String(),
			"%s, which is longer than starter and worker wait for it (%s): they work without it", answers, timeout)
	case took > timeout/4:
		return fmt.Sprintf("%s: slow, but used, because AFTERCALL_REDIS_TIMEOUT is %s", answers, timeout), nil
	}
	return answers, nil
}

// probeTargets finds targets that an operator must correct, and those whose
// circuit breaker is open in a worker.
func probeTargets(ctx context.Context, d *Deps) (string, error) {
	cfg, err := d.Config()
	if err != nil {
		return "", err
	}
	_, guard, err := d.Redis()
	if err != nil {
		return "", err
	}
	receivers := targetNames(cfg.Targets)
	for _, app := range cfg.Apps {
		if app.Relay != nil {
			receivers = append(receivers, activities.RelayReceiver(app.Name))
		}
	}
	var wrong []string
	for _, name := range receivers {
		found, err := targetState(ctx, guard, name, d.now(ctx))
		if err != nil {
			return "", cannotTell("try again in some seconds", "Redis does not say which accept deliveries: %w", err)
		}
		wrong = append(wrong, found...)
	}
	if len(wrong) > 0 {
		return "", Errorf(Failed, "correct them or their settings: their deliveries wait, and go on when one succeeds; aftercall target test NAME tries it, aftercall resend --failed sends what was given up",
			"%s", strings.Join(wrong, "; "))
	}
	return fmt.Sprintf("none of %d is held", len(receivers)), nil
}

// targetState describes what is wrong with a target, by what the workers share.
func targetState(ctx context.Context, guard *redisguard.Guard, name string, now time.Time) ([]string, error) {
	problem, err := circuit.ProblemOf(ctx, guard, name)
	if err != nil {
		return nil, err
	}
	open, err := circuit.OpenFor(ctx, guard, name, now)
	if err != nil {
		return nil, err
	}
	var wrong []string
	if problem != (circuit.Problem{}) {
		wrong = append(wrong, fmt.Sprintf("%s has refused deliveries since %s: %s", name, problem.Since.UTC().Format(time.RFC3339), problem.Reason))
	}
	if open.Processes > 0 {
		wrong = append(wrong, fmt.Sprintf("%s is held after failures by %d workers until %s", name, open.Processes, open.Until.UTC().Format(time.TimeOnly)))
	}
	return wrong, nil
}

// awaitReport is how long a starter that has just begun, or a Redis that has just
// been emptied, has for the first report.
const awaitReport = 2 * presence.Interval

// probeStarters finds out whether any starter is alive.
func probeStarters(ctx context.Context, d *Deps) (string, error) {
	_, guard, err := d.Redis()
	if err != nil {
		return "", err
	}
	known, err := awaitStarter(ctx, guard)
	if err != nil {
		return "", cannotTell("try again in some seconds", "Redis does not say: %w", err)
	}
	return judgeStarters(known)
}

func judgeStarters(known []presence.Process) (string, error) {
	silent := slices.DeleteFunc(slices.Clone(known), presence.Process.Alive)
	living := len(known) - len(silent)
	const cure = "start one, or look at its log; it must have the same REDIS_URL as this command"
	if len(known) == 0 {
		return "", Errorf(Failed, cure, "none has reported in the last hour")
	}
	if len(silent) == 0 {
		return fmt.Sprintf("%d alive", living), nil
	}
	last := silent[len(silent)-1]
	since := last.SilentSince.Format(time.RFC3339)
	if living == 0 {
		return "", Errorf(Failed, cure, "none is alive; the last one, the %s, reported at %s", last.Name(), since)
	}
	return "", warn("look at its log, and start it again; one that was replaced is forgotten after an hour", "%d alive, but the %s has been silent since %s", living, last.Name(), since)
}

// awaitStarter waits for the first report if there is none.
func awaitStarter(ctx context.Context, guard *redisguard.Guard) ([]presence.Process, error) {
	over := time.After(awaitReport)
	ticker := time.NewTicker(presence.Interval / 10)
	defer ticker.Stop()
	for {
		known, err := presence.Processes(ctx, guard, presence.Starter)
		if err != nil || len(known) > 0 {
			return known, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-over:
			return nil, nil
		case <-ticker.C:
		}
	}
}
