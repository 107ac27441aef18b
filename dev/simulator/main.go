// Command simulator is a simulated Tencent and the receivers of notifications, for a
// first look at a deployment without a real app: calls end all the time, their
// callbacks are posted, and what arrives is printed. It reads the file of
// AFTERCALL_CONFIG as starter and worker do. DEV_PUBLIC_URL is where the starters are,
// and DEV_TENCENT_URL where they find this Tencent: over HTTPS, as the real one.
package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/url"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/alecthomas/kong"
	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"aftercall/dev/local"
	"aftercall/dev/tencentsim"
	"aftercall/dev/webhookreceiver"
	"aftercall/internal/config"
	"aftercall/internal/serve"
	"aftercall/internal/tencent"
	"aftercall/internal/testenv/testcert"
)

// maxSeconds is how long the longest simulated call lasted.
const maxSeconds = 600

type command struct {
	Tencent  string        `help:"host:port of the simulated Tencent." default:":8090"`
	Webhooks string        `help:"host:port of the webhook receiver." default:":8091"`
	Every    time.Duration `help:"How often a call ends." default:"10s"`
	Folder   string        `help:"Where to write the certificate of the simulated Tencent, cert.pem, and its key." required:"" type:"existingdir"`
	Check    bool          `help:"Only check that the certificate is there, for a health check."`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	c := &command{}
	parsed := kong.Parse(c, kong.Name("simulator"), kong.Description("A simulated Tencent whose calls end, and receivers of notifications."),
		kong.BindTo(ctx, (*context.Context)(nil)))
	parsed.FatalIfErrorf(parsed.Run())
}

// Run serves both until ctx ends.
func (c command) Run(ctx context.Context) error {
	if c.Check {
		_, err := c.certificate()
		return err
	}
	if c.Every <= 0 {
		return fmt.Errorf("--every %s: must be more than 0", c.Every)
	}
	cfg, err := config.Load(os.Getenv("AFTERCALL_CONFIG"), os.LookupEnv)
	if err != nil {
		return err
	}
	logger := slog.New(slog.NewTextHandler(os.Stderr, nil))
	sim, err := tencentsim.New(ctx, tencentsim.Options{Apps: local.SimulatedApps(cfg), Logger: logger})
	if err != nil {
		return err
	}
	receiver, err := webhookreceiver.New(webhookreceiver.Options{Targets: local.SimulatedTargets(cfg), Lines: os.Stdout})
	if err != nil {
		return err
	}
	certificate, err := c.certificate()
	if err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		return serve.HTTP(
			ctx, logger, prometheus.NewRegistry(), 0,
			serve.Listener{Name: "simulated Tencent", Address: c.Tencent, Handler: sim, Certificate: certificate},
			serve.Listener{Name: "webhook receiver", Address: c.Webhooks, Handler: receiver},
		)
	})
	group.Go(func() error { return c.placeCalls(ctx, cfg, sim, logger) })
	return errors.Join(group.Wait(), sim.Close())
}

// certificate makes a certificate for the host of DEV_TENCENT_URL, unless there is
// one. Who uses this Tencent must trust it.
func (c command) certificate() (*serve.Certificate, error) {
	cert, key := filepath.Join(c.Folder, "cert.pem"), filepath.Join(c.Folder, "key.pem")
	if certificate, err := serve.LoadCertificate(cert, key); c.Check || !errors.Is(err, os.ErrNotExist) {
		return certificate, err
	}
	address, err := url.Parse(os.Getenv("DEV_TENCENT_URL"))
	if err != nil {
		return nil, fmt.Errorf("DEV_TENCENT_URL: %w", err)
	}
	pair, err := testcert.Make("simulated Tencent", address.Hostname())
	if err != nil {
		return nil, err
	}
	if err := errors.Join(os.WriteFile(cert, pair.Cert, 0o644), os.WriteFile(key, pair.Key, 0o600)); err != nil {
		return nil, err
	}
	return serve.LoadCertificate(cert, key)
}

// placeCalls ends one call after the other, of each app in turn.
func (c command) placeCalls(ctx context.Context, cfg *config.Config, sim *tencentsim.Simulator, logger *slog.Logger) error {
	next := time.NewTicker(c.Every)
	defer next.Stop()
	registered := false
	for i := 0; ; i++ {
		select {
		case <-ctx.Done():
			return nil
		case <-next.C:
		}
		if !registered {
			publicURL := os.Getenv("DEV_PUBLIC_URL")
			if err := errors.Join(local.RegisterCallbacks(ctx, cfg, publicURL), local.RegisterRooms(sim, cfg, publicURL)); err != nil {
				logger.Warn("not registered yet", "error", err)
				continue
			}
			registered = true
		}
		app := cfg.Apps[i%len(cfg.Apps)]
		call, err := sim.PlaceCall(tencentsim.CallSpec{
			SDKAppID: app.SDKAppID, Seconds: 1 + rand.Int64N(maxSeconds),
			Media: []tencent.MediaType{tencent.MediaAudio, tencent.MediaVideo}[rand.IntN(2)],
		})
		if err != nil {
			return err
		}
		fmt.Printf("call of %s ended after %d s: %s\n", app.Name, call.Record.ConnectedSeconds(), call.Record.CallID)
	}
}
