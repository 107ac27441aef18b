package service

import (
	"context"
	"log/slog"
	"slices"

	"aftercall/internal/billing"
	"aftercall/internal/config"
	"aftercall/internal/ledger"
)

// refuseEditedTariffs compares the tariffs with those by which calls were charged. The
// error is a *ledger.EditedError with the edited ones that are not accepted.
func refuseEditedTariffs(ctx context.Context, opened *ledger.Ledger, tariffs map[string]billing.Tariff, accepted config.TariffNames, logger *slog.Logger) error {
	edited, err := opened.EditedTariffs(ctx, tariffs)
	if err != nil {
		return err
	}
	isAccepted := func(e ledger.EditedTariff) bool { return slices.Contains(accepted, e.Tariff.Name) }
	if refused := slices.DeleteFunc(slices.Clone(edited), isAccepted); len(refused) > 0 {
		return &ledger.EditedError{Edited: refused}
	}
	for _, e := range edited {
		logger.WarnContext(ctx, "an edited tariff is used, because it was accepted", "tariff", e.Tariff.Name, "edit", e.String())
	}
	for _, name := range accepted {
		if !slices.ContainsFunc(edited, func(e ledger.EditedTariff) bool { return e.Tariff.Name == name }) {
			logger.InfoContext(ctx, config.AcceptEditedVariable+" has no effect on this tariff any more: remove it", "tariff", name)
		}
	}
	return nil
}
