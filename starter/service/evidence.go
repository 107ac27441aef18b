package service

import (
	"context"
	"log/slog"

	"aftercall/internal/admin"
	"aftercall/internal/config"
	"aftercall/internal/evidence"
	"aftercall/internal/ledger"
)

// eventsPerCall is how many requests with evidence a call may cause, beside the one about
// its end, where as many calls end as an app may have.
const eventsPerCall = 20

// newEvidence keeps events in the database at url, which need not be up: the starter
// answers callbacks of ended calls without it.
func newEvidence(ctx context.Context, url config.ConnectionURL, logger *slog.Logger) *evidence.Writer {
	return evidence.NewWriter(ctx, func(ctx context.Context) (evidence.Inserter, error) {
		return evidence.Open(ctx, url.Reveal(), ledger.Options{Logger: logger})
	}, logger)
}

// evidenceChecks report whether events are kept, if any are to be.
func evidenceChecks(events *evidence.Writer) []admin.Check {
	if events == nil {
		return nil
	}
	return []admin.Check{{Name: "evidence", Optional: true, Run: func(ctx context.Context) error {
		err := events.Ready(ctx)
		if problem, cure := ledger.Describe(err); problem != "" {
			return admin.PublicError(problem + ": " + cure + "; events are answered 503 until then")
		}
		return err
	}}}
}
