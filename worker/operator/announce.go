package operator

import (
	"context"
	"fmt"
	"strconv"

	"go.temporal.io/sdk/client"

	"aftercall/activities"
	cli "aftercall/internal/oldcli"
	"aftercall/internal/config"
	"aftercall/internal/ledger"
	"aftercall/workflows"
	"aftercall/workflows/launch"
)

// openLedgerToCorrect opens a ledger that exists, to book into it.
func openLedgerToCorrect(ctx context.Context, p cli.Process) (*ledger.Ledger, error) {
	book, err := openLedger(ctx, p)
	if err != nil {
		return nil, err
	}
	if err := book.Close(); err != nil {
		return nil, err
	}
	settings, err := config.Operator(p.Environ)
	if err != nil {
		return nil, usage(err)
	}
	return ledger.Open(ctx, settings.LedgerURL.Reveal(), ledger.Options{})
}

// announcer tells the targets of corrections.
type announcer struct {
	temporal client.Client
	calls    launch.Calls
}

func newAnnouncer(p cli.Process) (*announcer, error) {
	settings, err := config.Operator(p.Environ)
	if err != nil {
		return nil, usage(err)
	}
	c, err := connect(p)
	if err != nil {
		return nil, err
	}
	return &announcer{temporal: c, calls: launch.NewCalls(c, settings.TaskQueue)}, nil
}

func (a *announcer) close() { a.temporal.Close() }

// announce starts the delivery of corrections that are booked, each once: doing
// so again is safe.
func (a *announcer) announce(ctx context.Context, entries ...ledger.Entry) error {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	for _, e := range entries {
		event, id := activities.EventOf(e)
		params := workflows.DeliverParams{Event: event, MessageID: id}
		if _, err := a.calls.StartDeliver(ctx, strconv.Itoa(e.Revision), params); err != nil {
			return fmt.Errorf("%s is booked, but nobody was told: %w", e.Key, err)
		}
	}
	return nil
}

// notAnnounced is the end of a command that booked and could not tell.
func notAnnounced(err error) error {
	return &cli.Error{Code: cli.Incomplete, Err: err, Cure: "once Temporal answers, repeat the same command: nothing is booked twice, and what was told is not told again"}
}

func (c correction) ledger() (ledger.Correction, error) {
	l := ledger.Correction{Reason: c.Reason, Operator: c.Operator}
	if err := l.Validate(); err != nil {
		return l, &cli.Error{Code: cli.Usage, Err: fmt.Errorf("a correction is signed: %w", err), Cure: "add --operator and --reason"}
	}
	return l, nil
}
