package operator

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"time"
	"unicode"

	"go.temporal.io/sdk/client"

	cli "aftercall/internal/oldcli"
	"aftercall/internal/config"
	"aftercall/internal/engine"
	"aftercall/internal/ledger"
)

// answerTimeout is how long Temporal may take to answer a command.
const answerTimeout = 10 * time.Second

// openLedger opens the ledger to be read. It makes and migrates nothing: a
// mistyped LEDGER_URL must not look like an empty ledger.
func openLedger(ctx context.Context, p cli.Process) (*ledger.Ledger, error) {
	settings, err := config.Operator(p.Environ)
	if err != nil {
		return nil, usage(err)
	}
	book, err := ledger.OpenReadOnly(ctx, settings.LedgerURL.Reveal())
	if errors.Is(err, ledger.ErrMissing) {
		return nil, &cli.Error{Code: cli.NotFound, Err: err, Cure: "check LEDGER_URL: it must be the worker's"}
	}
	return book, err
}

func usage(err error) error { return &cli.Error{Code: cli.Usage, Err: err} }

// connect returns a client of Temporal that has not yet spoken to it.
func connect(p cli.Process) (client.Client, error) {
	quiet := slog.New(slog.DiscardHandler) // every failure is an error of the command
	c, _, err := engine.NewClient(p.Environ, client.MetricsNopHandler, quiet)
	if err != nil {
		return nil, usage(err)
	}
	return c, nil
}

// printable is foreign text that cannot move the cursor of a terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return unicode.ReplacementChar
		}
		return r
	}, s)
}

// instant is a time of Tencent in UTC; 0 means never.
func instant(unix int64) string {
	if unix == 0 {
		return "never"
	}
	return time.Unix(unix, 0).UTC().Format("2006-01-02 15:04:05 UTC")
}
