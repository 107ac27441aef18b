package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"aftercall/dev/bench/dashboard"
)

type dashboardCommand struct {
	Root     string        `help:"The project's folder." default:"." type:"existingdir"`
	Duration time.Duration `help:"How long calls end." default:"12m"`
	Rate     float64       `help:"Calls per second, about." default:"3"`
}

// Run draws docs/images/dashboard.svg.
func (c dashboardCommand) Run(ctx context.Context, out io.Writer) (err error) {
	root, err := filepath.Abs(c.Root)
	if err != nil {
		return err
	}
	dir, err := newFolder()
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			fmt.Fprintln(out, "data and logs are in", dir)
			return
		}
		err = errors.Join(err, os.RemoveAll(dir))
	}()
	return dashboard.Publish(ctx, dashboard.Options{Root: root, Dir: dir, Duration: c.Duration, Rate: c.Rate, Out: out})
}
