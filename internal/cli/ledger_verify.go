package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"aftercall/internal/ops"
)

// progressStep is how many entries are verified between two updates of the
// progress line: about a quarter of a second.
const progressStep = 5000

type ledgerVerifyCommand struct {
	ListFormat
	Records    bool     `help:"Compare with Tencent's records of the last seven days, too."`
	Checkpoint []string `help:"File with a checkpoint that was kept outside the ledger; may be repeated." placeholder:"FILE" sep:"none"`
	Key        []string `help:"Public key that checkpoints must be signed with, besides that of AFTERCALL_LEDGER_KEY; may be repeated." placeholder:"KEY" sep:"none"`
	Limit      int      `help:"Print no more than N problems; all are counted." default:"100" placeholder:"N"`
}

// Help says what is verified.
func (ledgerVerifyCommand) Help() string {
	return `Every charge is computed again from the record, the tariff version and the decision that the ledger keeps with it. Every
reversal must be the negative of its charge, no call may have two charges that count, and every key and column must agree
with the record. Every entry must be as it was when the worker added it to the log, and the log must agree with all its
checkpoints. Triggers and constraints must be those of this release. Nothing is changed. The exit code is 3 if
anything is wrong.

Someone who can change the database can also change the checkpoints in it. --checkpoint compares it with one that was
mailed or kept elsewhere.

With --records Tencent is asked for every call of the last seven days, or since the app's go_live or first start:

  missing    Tencent has a record, the ledger has no entry, and no workflow is running
  extra      the ledger has an entry, Tencent has no record
  different  the ledger's record is not Tencent's

Examples:

  aftercall ledger verify
  aftercall ledger verify --checkpoint checkpoint-2026-03.txt
  aftercall ledger verify --records --output json`
}

// Run verifies, and fails if the ledger is not in order.
func (c ledgerVerifyCommand) Run(ctx context.Context, p Process, d *ops.Deps) error {
	v, err := d.Verify(ctx, ops.VerifyParams{
		Records: c.Records, Checkpoints: c.Checkpoint, Keys: c.Key, Limit: c.Limit, Progress: entryProgress(p),
	})
	if p.Interactive() {
		fmt.Fprint(p.Stderr, "\r\033[K") // clears the progress line
	}
	if v == nil {
		return err
	}
	return errors.Join(err, c.Print(
		p, v,
		func(w io.Writer) error { return writeCSV(w, v.AllProblems(), problemColumns) },
		func(s screen) { writeVerification(s, v) },
	))
}

// entryProgress shows a person how many entries are done; nil if no person
// watches.
func entryProgress(p Process) func(entries int64) {
	if !p.Interactive() {
		return nil
	}
	return func(entries int64) {
		if entries%progressStep == 0 {
			fmt.Fprintf(p.Stderr, "\r%d entries … ", entries)
		}
	}
}

var problemColumns = []column[ops.Problem]{
	{key: "kind", value: func(p ops.Problem) string { return string(p.Kind) }},
	{key: "sdk_app_id", value: func(p ops.Problem) string { return p.SDKAppID.String() }},
	{key: "call_id", value: func(p ops.Problem) string { return p.CallID }, foreign: true},
	{key: "key", value: func(p ops.Problem) string { return p.Key }, foreign: true},
	{key: "problem", value: func(p ops.Problem) string { return p.Problem }, foreign: true},
}

func writeVerification(s screen, v *ops.Verification) {
	for _, f := range v.Found {
		subject := f.Key
		if subject == "" {
			subject = string(f.Kind)
		}
		writeParagraph(s, s.red("wrong")+" ", subject+": "+f.Problem)
	}
	if more := v.Problems - int64(len(v.Found)); more > 0 {
		fmt.Fprintf(s, "… and %d more problems\n", more)
	}
	for _, version := range v.EditedInPlace {
		writeParagraph(s, "note: ", version+" was edited in place: calls were charged by different texts of it")
	}
	result := s.green("every amount was computed again and is right")
	if v.Problems > 0 {
		result = s.red(fmt.Sprintf("%d problems", v.Problems))
	}
	fmt.Fprintf(s, "%d entries, %d tariff versions: %s.\n", v.Entries, v.TariffVersions, result)
	for _, t := range v.Totals {
		writeTotal(s, t)
	}
	writeParagraph(s, "", fmt.Sprintf("The log holds %d entries. Checkpoints compared: %d.", v.Logged, v.Checkpoints))
	if v.Waiting > 0 {
		writeParagraph(s, "note: ", fmt.Sprintf("%d entries are not in the log yet: the worker takes them in every few seconds", v.Waiting))
	}
	for _, r := range v.Records {
		writeAudit(s, r)
	}
}

func writeAudit(s screen, r ops.RecordAudit) {
	for _, f := range r.Found {
		writeParagraph(s, s.red(string(f.Kind))+" ", r.App+": "+f.CallID+": "+f.Problem)
	}
	deviations := fmt.Sprintf("%d missing, %d extra, %d different", r.Missing, r.Extra, r.Different)
	if r.Missing+r.Extra+r.Different > 0 {
		deviations = s.red(deviations)
	}
	fmt.Fprintf(s, "%s, Tencent's records from %s to %s:\n", printable(r.App), r.From.Format(time.RFC3339), r.To.Format(time.RFC3339))
	fmt.Fprintf(s, "  %d records, %d compared, %d running, %d charged without a record\n", r.Records, r.Compared, r.Running, r.Unconfirmed)
	fmt.Fprintf(s, "  %s\n", deviations)
}

// writeTotal writes a sum and how many entries it has.
func writeTotal(w io.Writer, t ops.Total) {
	adjustments := ""
	if t.Adjustments > 0 {
		adjustments = fmt.Sprintf(", %d adjustments", t.Adjustments)
	}
	fmt.Fprintf(w, "  %s: %d charges, %d reversals%s\n", t.Amount, t.Charges, t.Reversals, adjustments)
}
