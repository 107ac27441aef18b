package ops

import (
	"bufio"
	"context"
	"errors"
	"io"

	"aftercall/internal/ledger"
	"aftercall/internal/shell"
	"aftercall/internal/statement"
)

// StatementParams say what statements are about.
type StatementParams struct {
	// Month is as in 2026-11, in Zone. A call belongs to the month in which it ended,
	// and so do its corrections, whenever they were booked.
	Month, Zone string
	// App limits the statement to a name or SDKAppID.
	App    string
	Format statement.Format
}

// WriteStatement writes what a payer was charged for the calls of a month, as it is
// read. After an error what was written is incomplete.
func (d *Deps) WriteStatement(ctx context.Context, w io.Writer, payer string, p StatementParams) error {
	l, f, head, err := d.statement(ctx, p)
	if err != nil {
		return err
	}
	f.Payer, head.Payer = payer, ledger.PayerColumn(payer)
	known, err := l.HasPayer(ctx, payer)
	if err != nil {
		return err
	}
	if !known {
		return Errorf(NotFound, "list the payers of the month: aftercall ledger report --by payer", "--payer: the ledger has no entry of payer %q", payer)
	}
	out := bufio.NewWriter(w)
	s, err := statement.NewWriter(out, p.Format, head)
	if err != nil {
		return err
	}
	for call, err := range statement.Calls(l.ListByPayer(ctx, f)) {
		if err == nil {
			err = s.Add(call)
		}
		if err != nil {
			return Errorf(Failed, "", "the statement is incomplete, do not use it: %w", err)
		}
	}
	if _, err := s.End(); err != nil {
		return err
	}
	return out.Flush()
}

// StatementsWritten is what WriteStatements wrote.
type StatementsWritten struct {
	Statements int
	// Totals are those of all statements.
	Totals []Total
}

// WriteStatements writes a statement of each payer who has calls in a month, into a
// file of a folder, which is created. The folder must hold nothing but statements,
// unless others is true.
func (d *Deps) WriteStatements(ctx context.Context, folder string, others bool, p StatementParams) (*StatementsWritten, error) {
	l, f, head, err := d.statement(ctx, p)
	if err != nil {
		return nil, err
	}
	files, err := statement.OpenFolder(folder, others)
	switch {
	case errors.Is(err, statement.ErrOtherFiles):
		return nil, Errorf(Refused, "name an empty folder, or allow it with --other-files", "--dir: %w", err)
	case err != nil:
		return nil, Errorf(Usage, "", "--dir: %w", err)
	}
	written, err := files.WriteAll(statement.Calls(l.ListByPayer(ctx, f)), p.Format, head)
	if err = errors.Join(err, files.Close()); err != nil {
		return nil, Errorf(Failed, "repeat the command: it replaces each file", "not all statements were written: %w", err)
	}
	done := &StatementsWritten{Statements: written.Statements, Totals: newTotals(nil, written.Totals)}
	if written.Others > 0 {
		return done, Errorf(Refused, "they are the last ones of: "+shell.Command("ls -t", folder)+"; remove them if they are not wanted",
			"the folder also holds statements of %s that were not written now: %d", p.Month, written.Others)
	}
	return done, nil
}

// statement reads what all statements have in common.
func (d *Deps) statement(ctx context.Context, p StatementParams) (l *ledger.Ledger, f ledger.Filter, head statement.Head, err error) {
	zone, err := Zone(p.Zone)
	if err != nil {
		return nil, f, head, err
	}
	m, err := parseMonth("--month", p.Month, zone)
	if err != nil {
		return nil, f, head, err
	}
	if l, err = d.Ledger(ctx); err != nil {
		return nil, f, head, err
	}
	if f.SDKAppID, err = d.LedgerApp(ctx, p.App); err != nil {
		return nil, f, head, err
	}
	f.From, f.To = m.from, m.to
	head = statement.Head{App: p.App, Month: m.name, From: m.from, To: m.to}
	if head.AsOf, err = l.Now(ctx); err != nil {
		return nil, f, head, err
	}
	if head.AsOf.Before(m.from) {
		return nil, f, head, Errorf(Usage, "", "--month: %s has not begun in %s", m.name, zone)
	}
	return l, f, head, nil
}
