package operator

import (
	"context"
	"fmt"
	"io"

	cli "aftercall/internal/oldcli"
	"aftercall/internal/ledger"
)

type reverseCommand struct {
	cli.Output
	CallID string `arg:"" help:"CallId."`
	App    string `help:"Name or SDKAppID of the app, where two apps have a call of this name." placeholder:"APP"`
	correction
}

// Help explains what it does and what not.
func (reverseCommand) Help() string {
	return `Books the negative of the charge that stands, once: the call is charged nothing afterwards, and is not charged again by a
late callback or a sweep. Nothing is changed or removed. The targets hear of it as call.reversed.

To charge another sum instead, use worker ledger rerate. Repeating the command is safe.

Example:

  worker ledger reverse 055662e1-bc8a-469c-a334-1126c8c17d58 --operator alice --reason "the line was dead, says the doctor"`
}

// reversed is what a reversal came to.
type reversed struct {
	Entry ledger.Entry `json:"entry"`
	// Booked is false when it had been reversed before.
	Booked    bool `json:"booked"`
	Announced bool `json:"announced"`
}

// Run books the reversal, then tells of it.
func (c reverseCommand) Run(ctx context.Context, p cli.Process) error {
	signed, err := c.ledger()
	if err != nil {
		return err
	}
	f, _, err := selection{App: c.App, Call: c.CallID, Zone: "UTC"}.filter()
	if err != nil {
		return err
	}
	tell, err := newAnnouncer(p)
	if err != nil {
		return err
	}
	defer tell.close()
	book, err := openLedgerToCorrect(ctx, p)
	if err != nil {
		return err
	}
	defer book.Close()
	charge, err := toReverse(ctx, book, f)
	if err != nil {
		return err
	}
	var r reversed
	if r.Entry, r.Booked, err = book.Reverse(ctx, charge.Key, signed); err != nil {
		return err
	}
	told := tell.announce(ctx, r.Entry)
	r.Announced = told == nil
	if err := c.Print(p.Stdout, r, r.print); err != nil {
		return err
	}
	if told != nil {
		return notAnnounced(told)
	}
	return nil
}

func (r reversed) print(w io.Writer) {
	if r.Booked {
		fmt.Fprintf(w, "Booked %s: %s.\n", printable(r.Entry.Key), r.Entry.Charge.Amount)
	} else {
		fmt.Fprintf(w, "It was reversed before, on %s by %s (%s): nothing was booked.\n",
			r.Entry.CreatedAt.Format("2006-01-02 15:04:05 UTC"), printable(r.Entry.Operator), printable(r.Entry.Reason))
	}
	if r.Announced {
		fmt.Fprintln(w, "The targets are told of it: call.reversed.")
	}
}

// toReverse finds the charge that stands, or else the one reversed last.
func toReverse(ctx context.Context, book *ledger.Ledger, f ledger.Filter) (ledger.Entry, error) {
	entries, err := collect(ctx, book, f)
	if err != nil {
		return ledger.Entry{}, err
	}
	var last ledger.Entry
	for _, e := range entries {
		if e.SDKAppID != entries[0].SDKAppID {
			return last, cli.Errorf(cli.Usage, "name one of them with --app", "the apps %s and %s both have a call %s",
				printable(entries[0].App), printable(e.App), printable(f.CallID))
		}
		if e.Kind == ledger.KindCharge {
			last = e
		}
	}
	if len(entries) == 0 {
		return last, cli.Errorf(cli.NotFound, "see worker ledger list, or where the call is: starter call "+printable(f.CallID), "the ledger has no charge of call %s", printable(f.CallID))
	}
	return last, nil
}
