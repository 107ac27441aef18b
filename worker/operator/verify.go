package operator

import (
	"context"
	"errors"
	"fmt"
	"io"

	cli "aftercall/internal/oldcli"
	"aftercall/internal/ledger"
)

// progressStep is about a quarter of a second.
const progressStep = 5000

type verifyCommand struct {
	cli.Output
	Records bool `help:"Compare with Tencent's records of the last seven days too."`
	Limit   int  `help:"Print so many findings at most; all are counted." default:"100"`
}

// Help says what is verified.
func (verifyCommand) Help() string {
	return `Every charge is computed again from the record and the tariff version that the ledger keeps with it, and from what a person
decided. Every reversal must be the negative of its charge, every call must have one charge that stands at most, every key
and every column must be what the record makes it. It reads, and changes nothing. The exit code is 3 when anything is not as
it should be.

With --records Tencent is asked for every call of the last seven days, or since the app's go_live:

  missing    Tencent has a record, the ledger has no entry, and no workflow is at work on it
  extra      the ledger has an entry, Tencent has no record
  different  the ledger's record is not Tencent's

Examples:

  worker ledger verify
  worker ledger verify --records --output json`
}

// verification is the result as a whole.
type verification struct {
	ledger.Verification
	Sums []total `json:"totals"`
	// Found are the first findings.
	Found   []ledger.Finding `json:"found"`
	Records []recordsOfApp   `json:"records,omitempty"`
}

// Run verifies, and fails when the ledger is not as it should be.
func (c verifyCommand) Run(ctx context.Context, p cli.Process) error {
	book, err := openLedger(ctx, p)
	if err != nil {
		return err
	}
	defer book.Close()
	v := verification{Found: []ledger.Finding{}}
	v.Verification, err = book.Verify(ctx, func(f ledger.Finding) {
		if len(v.Found) < c.Limit {
			v.Found = append(v.Found, f)
		}
	}, progressOn(p))
	if p.Interactive() {
		fmt.Fprint(p.Stderr, "\r\033[K") // the line of the progress
	}
	if err != nil {
		return err
	}
	v.Sums = jsonTotals(v.Totals)
	var unasked error
	if c.Records {
		if v.Records, unasked = compareRecords(ctx, p, book); unasked != nil && !errors.As(unasked, new(*incompleteError)) {
			return unasked
		}
	}
	if err := c.Print(p.Stdout, v, v.print); err != nil {
		return err
	}
	return v.verdict(unasked)
}

// progressOn tells a person who waits how many entries are done, and nobody else.
func progressOn(p cli.Process) func(entries int64) {
	if !p.Interactive() {
		return nil
	}
	return func(entries int64) {
		if entries%progressStep == 0 {
			fmt.Fprintf(p.Stderr, "\r%d entries … ", entries)
		}
	}
}

// verdict is the error of a ledger that is not clean, or not compared whole.
func (v verification) verdict(unasked error) error {
	deviations := 0
	for _, r := range v.Records {
		deviations += r.Missing + r.Extra + r.Different
	}
	switch {
	case v.Findings > 0 || deviations > 0:
		return cli.Errorf(cli.Refused, "", "the ledger is not clean: %d findings in it, %d deviations from Tencent's records", v.Findings, deviations)
	case unasked != nil:
		return &cli.Error{Code: cli.Incomplete, Err: unasked}
	}
	return nil
}

func (v verification) print(w io.Writer) {
	for _, f := range v.Found {
		fmt.Fprintf(w, "%s: %s\n", printable(f.Key), printable(f.Problem))
	}
	if more := v.Findings - int64(len(v.Found)); more > 0 {
		fmt.Fprintf(w, "… and %d more findings\n", more)
	}
	for _, edited := range v.Edited {
		fmt.Fprintf(w, "note: %s was edited in place: calls were charged by more than one text of it\n", edited)
	}
	fmt.Fprintf(w, "%d entries by %d tariff versions: %s.\n", v.Entries, v.Versions, clean(v.Findings))
	for _, t := range v.Totals {
		fmt.Fprintf(w, "  %s: %d charges, %d reversals\n", t.Amount, t.Charges, t.Reversals)
	}
	for _, r := range v.Records {
		r.print(w)
	}
}

func clean(findings int64) string {
	if findings == 0 {
		return "every sum was computed again and is right"
	}
	return fmt.Sprintf("%d findings", findings)
}
