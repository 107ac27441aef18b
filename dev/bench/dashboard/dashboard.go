// Package dashboard draws the dashboard of docs/grafana as a picture for the docs: it
// runs the dashboard's own queries on a real Prometheus that has scraped the development
// stack, and puts the panels where Grafana puts them.
package dashboard

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/prometheus/client_golang/api"
	v1 "github.com/prometheus/client_golang/api/prometheus/v1"

	"aftercall/dev/grafana"
	"aftercall/dev/local"
	"aftercall/internal/freeport"
	"aftercall/internal/testenv/programs"
)

// File is the path of the picture in the project's folder.
const File = "docs/images/dashboard.svg"

const (
	scrapeInterval = 5 * time.Second
	// window is what Grafana takes as $__rate_interval.
	window = 4 * scrapeInterval
	// startLimit is how long Prometheus may take to start.
	startLimit = time.Minute
)

// Options say what to draw.
type Options struct {
	// Root is the project's folder, Dir an empty one for data and logs.
	Root, Dir string
	Duration  time.Duration
	// Rate is how many calls end in a second, about.
	Rate float64
	Out  io.Writer
}

// Publish loads a stack, and draws what Prometheus has scraped meanwhile.
func Publish(ctx context.Context, o Options) (err error) {
	panels, err := grafana.Read(o.Root)
	if err != nil {
		return err
	}
	stack, err := start(ctx, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stack.Stop(context.WithoutCancel(ctx))) }()
	prometheus, stop, err := startPrometheus(ctx, o.Dir, stack.Ports())
	if err != nil {
		return err
	}
	defer stop()
	fmt.Fprintf(o.Out, "calls end for %s\n", o.Duration)
	begin := time.Now()
	if err := load(ctx, stack, o.Duration, o.Rate); err != nil {
		return err
	}
	filled, err := fill(ctx, prometheus, panels, v1.Range{Start: begin, End: time.Now(), Step: scrapeInterval}, window)
	if err != nil {
		return err
	}
	picture, err := os.Create(filepath.Join(o.Root, File))
	if err != nil {
		return err
	}
	note := fmt.Sprintf("docs/grafana/aftercall.json, its own queries on a Prometheus that scraped the development stack for %s; drawn by make bench ARGS=dashboard, not by Grafana", o.Duration)
	return errors.Join(WriteSVG(picture, filled, o.Duration.Minutes(), note), picture.Close())
}

func start(ctx context.Context, o Options) (*local.Stack, error) {
	topology := local.Dev
	temporal, err := topology.EnsureTemporal(ctx, o.Root, o.Out)
	if err != nil {
		return nil, err
	}
	ports, err := local.FreePorts(topology)
	if err != nil {
		return nil, err
	}
	return local.Start(ctx, local.Options{
		Root: o.Root, Dir: filepath.Join(o.Dir, "stack"), Topology: topology, Ports: ports, Temporal: temporal, Isolated: true,
		Starter: local.Service{Program: filepath.Join(o.Root, "bin", "starter")},
		Worker:  local.Service{Program: filepath.Join(o.Root, "bin", "worker")},
		Logger:  slog.New(slog.DiscardHandler),
	})
}

// startPrometheus returns a Prometheus that scrapes the stack, and what stops it.
func startPrometheus(ctx context.Context, dir string, ports local.Ports) (v1.API, func(), error) {
	free, err := freeport.Find(1)
	if err != nil {
		return nil, nil, err
	}
	server, err := programs.Prometheus(dir, free[0], programs.Scrape{
		Ports: append(ports.StarterAdmins[:1:1], ports.WorkerAdmins[0]), Interval: scrapeInterval,
	})
	if err != nil {
		return nil, nil, err
	}
	log, err := os.Create(filepath.Join(dir, "prometheus.log"))
	if err != nil {
		return nil, nil, err
	}
	cmd := server.Command()
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		return nil, nil, errors.Join(err, log.Close())
	}
	stop := func() {
		_ = cmd.Process.Signal(server.StopSignal) // it may have ended
		_ = cmd.Wait()                            // it was told to end
		_ = log.Close()                           // nobody writes any more
	}
	client, err := api.NewClient(api.Config{Address: fmt.Sprintf("http://%s:%d", programs.Host, free[0])})
	if err != nil {
		stop()
		return nil, nil, err
	}
	prometheus := v1.NewAPI(client)
	if err := awaitScrapes(ctx, prometheus); err != nil {
		stop()
		return nil, nil, err
	}
	return prometheus, stop, nil
}

// awaitScrapes waits until both processes have been scraped.
func awaitScrapes(ctx context.Context, prometheus v1.API) error {
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	for begin := time.Now(); ; {
		result, err := prometheus.Targets(ctx)
		up := 0
		for _, target := range result.Active {
			if target.Health == v1.HealthGood {
				up++
			}
		}
		if up == 2 {
			return nil
		}
		if sleep(ctx, begin, time.Since(begin)+100*time.Millisecond) != nil {
			return fmt.Errorf("prometheus does not scrape both processes: %w", errors.Join(err, ctx.Err()))
		}
	}
}
