package service

import (
	"context"
	"log/slog"
	"slices"
	"sync"

	"aftercall/internal/billing"
	"aftercall/internal/config"
	"aftercall/internal/ledger"
)

// editGuard keeps a worker from charging by tariffs that were edited after calls were
// charged by them.
type editGuard struct {
	tariffs map[string]billing.Tariff
	// accepted are used although they were edited.
	accepted config.TariffNames
	logger   *slog.Logger
	// compared are the hashes of the versions that were compared before the first charge.
	compared sync.Map
}

// start compares all tariffs. The error is a *ledger.EditedError with the edited ones
// that are not accepted.
func (g *editGuard) start(ctx context.Context, opened *ledger.Ledger) error {
	edited, err := opened.EditedTariffs(ctx, g.tariffs)
	if err != nil {
		return err
	}
	if refused := slices.DeleteFunc(slices.Clone(edited), g.accepts); len(refused) > 0 {
		return &ledger.EditedError{Edited: refused}
	}
	for _, e := range edited {
		g.logger.WarnContext(ctx, "an edited tariff is used, because it was accepted", "tariff", e.Tariff.Name, "edit", e.String())
	}
	for _, name := range g.accepted {
		if !slices.ContainsFunc(edited, func(e ledger.EditedTariff) bool { return e.Tariff.Name == name }) {
			g.logger.InfoContext(ctx, config.AcceptEditedVariable+" has no effect on this tariff any more: remove it", "tariff", name)
		}
	}
	return nil
}

// beforeCharge compares a version again before the first charge by it: since this worker
// started, another one with another file can have charged by other prices. The error is
// a *ledger.EditedError, and the call waits for a worker with the right file.
func (g *editGuard) beforeCharge(ctx context.Context, opened *ledger.Ledger, applied billing.AppliedTariff) error {
	if _, done := g.compared.Load(applied.Hash); done {
		return nil
	}
	edited, err := opened.EditedTariffs(ctx, map[string]billing.Tariff{applied.Name: g.tariffs[applied.Name]})
	if err != nil {
		return err
	}
	refused := slices.DeleteFunc(edited, func(e ledger.EditedTariff) bool {
		return g.accepts(e) || !e.Edit.Settings && !e.Tariff.EffectiveFrom.Equal(applied.EffectiveFrom)
	})
	if len(refused) > 0 {
		return &ledger.EditedError{Edited: refused}
	}
	g.compared.Store(applied.Hash, struct{}{})
	return nil
}

func (g *editGuard) accepts(e ledger.EditedTariff) bool {
	return slices.Contains(g.accepted, e.Tariff.Name)
}
