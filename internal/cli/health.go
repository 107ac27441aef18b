package cli

import (
	"context"
	"errors"
	"maps"
	"slices"

	"aftercall/internal/ops"
)

type healthCommand struct {
	Format
	Live    bool   `help:"Only ask whether the process answers, not whether what it depends on works."`
	Process string `arg:"" name:"PROCESS" enum:"starter,worker" help:"starter or worker."`
}

// Help explains by examples.
func (healthCommand) Help() string {
	return `For health checks where there is no curl, as in the image. It asks the process at AFTERCALL_ADMIN_LISTEN, as /readyz and
/healthz do, and needs no other variable. The exit code is 0 if the process is healthy, 3 if it answers that it is not
ready, and 1 if it does not answer within four seconds.

A process that is not ready waits for what it depends on, and a restart does not help: where an unhealthy process is
restarted, use --live.

Examples:

  aftercall health starter
  aftercall health worker --live
  aftercall health worker --output json | jq .checks`
}

// Run asks the process and prints its answer.
func (c healthCommand) Run(ctx context.Context, p Process, d *ops.Deps) error {
	health, err := d.Health(ctx, ops.HealthParams{Process: c.Process, Live: c.Live})
	if health == nil {
		return err
	}
	return errors.Join(c.Print(p, health, func(s screen) {
		result := field{name: "Result", value: "healthy", paint: s.green}
		if !health.Healthy {
			result.value, result.paint = "not ready", s.red
		}
		fields := []field{{name: "Process", value: health.Process}, {name: "Asked", value: health.URL}, result}
		for _, name := range slices.Sorted(maps.Keys(health.Checks)) {
			fields = append(fields, field{name: name, value: health.Checks[name]})
		}
		writePainted(s, fields...)
	}), err)
}
