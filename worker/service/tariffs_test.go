package service

import (
	"context"
	"log/slog"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"aftercall/internal/billing"
	"aftercall/internal/ledger"
	"aftercall/internal/tencent"
	"aftercall/internal/testenv"
	"aftercall/internal/testenv/testconfig"
)

// TestEditedTariffIsRefused starts a worker whose tariff was edited after a call was
// charged by it: it ends, with all that is wrong, until the edit is accepted.
func TestEditedTariffIsRefused(t *testing.T) {
	ledgers := map[string]string{"sqlite": "sqlite:" + filepath.Join(t.TempDir(), "ledger.db")}
	if url, ok := testenv.Postgres(t); ok {
		ledgers["postgresql"] = url
	}
	for engine, url := range ledgers {
		t.Run(engine, func(t *testing.T) {
			chargeAt(t, url, "0.10")
			file := filepath.Join(t.TempDir(), "aftercall.yaml")
			environ := map[string]string{
				"AFTERCALL_CONFIG": file, "AFTERCALL_ADMIN_LISTEN": "127.0.0.1:" + strconv.Itoa(testenv.FreePort(t)), "LEDGER_URL": url,
				"REDIS_URL": "redis://127.0.0.1:1", "TEMPORAL_ADDRESS": "127.0.0.1:1",
			}
			require.NoError(t, testconfig.New().Write(file))
			err := run(t.Context(), environ, &testenv.Log{}, prometheus.NewRegistry())
			require.ErrorAs(t, err, new(*ledger.EditedError))
			require.ErrorContains(t, err, "tariff standard, version of 2025-01-01T00:00:00Z: was edited after calls were charged by it: rules[0].rate_per_minute is 0.12, not 0.1 (edition ")
			runsWith(t, environ, map[string]string{"AFTERCALL_ACCEPT_EDITED_TARIFF": "standard"}, "an edited tariff is used, because it was accepted")

			other := testconfig.New() // a comment, or a price that no call was charged by
			other.Tariffs["standard"] = testconfig.Tariff("USD", "0.10")
			require.NoError(t, other.Write(file))
			runsWith(t, environ, map[string]string{"AFTERCALL_ACCEPT_EDITED_TARIFF": "standard"}, "has no effect on this tariff any more")
		})
	}
}

// TestWorkersWithDifferentFiles: two workers have different prices for a version that no
// call was charged by when they started. One charges by it first, and then the other
// refuses to, unless its edit is accepted.
func TestWorkersWithDifferentFiles(t *testing.T) {
	urls := map[string]string{"sqlite": "sqlite:" + filepath.Join(t.TempDir(), "ledger.db")}
	if url, ok := testenv.Postgres(t); ok {
		urls["postgresql"] = url
	}
	for engine, url := range urls {
		t.Run(engine, func(t *testing.T) {
			worker := func(rate string, accepted ...string) *timedLedger {
				l, err := ledger.Open(t.Context(), url, ledger.Options{})
				require.NoError(t, err)
				t.Cleanup(func() { require.NoError(t, l.Close()) })
				edits := &editGuard{tariffs: map[string]billing.Tariff{"standard": standardAt(t, rate)}, accepted: accepted, logger: slog.New(slog.DiscardHandler)}
				require.NoError(t, edits.start(t.Context(), l))
				timed := newTimedLedger(edits, prometheus.NewRegistry())
				timed.Ledger = l
				return timed
			}
			right, wrong, deliberate := worker("0.10"), worker("0.12"), worker("0.14", "standard")
			charge := func(l *timedLedger, callID, rate string) error {
				_, _, err := l.Charge(t.Context(), chargedAt(t, callID, rate))
				return err
			}
			require.NoError(t, charge(right, "call-1", "0.10"))
			for range 2 {
				err := charge(wrong, "call-2", "0.12")
				require.ErrorAs(t, err, new(*ledger.EditedError))
				require.ErrorContains(t, err, "rules[0].rate_per_minute is 0.12, not 0.1 (edition ")
			}
			entries, err := right.Get(t.Context(), 1400000000, "call-2")
			require.NoError(t, err)
			require.Empty(t, entries)
			require.NoError(t, charge(right, "call-2", "0.10"))
			require.NoError(t, charge(deliberate, "call-3", "0.14"))
			right.edits.tariffs = nil // a version is compared once
			require.NoError(t, charge(right, "call-4", "0.10"))
		})
	}
}

// standardAt is the tariff standard of testconfig at a rate per minute.
func standardAt(t *testing.T, rate string) billing.Tariff {
	t.Helper()
	price, err := billing.ParseDecimal(rate)
	require.NoError(t, err)
	return billing.Tariff{Currency: "USD", Versions: []billing.Version{{
		EffectiveFrom: time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC),
		Rules:         []billing.Rule{{RatePerMinute: price, FirstInterval: 60, NextInterval: 60}},
	}}}
}

// chargedAt is the charge of a call at a rate per minute.
func chargedAt(t *testing.T, callID, rate string) ledger.Entry {
	t.Helper()
	ended := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	record := tencent.CallRecord{
		CallID: callID, Caller: "patient-1", MediaType: tencent.MediaAudio, CallType: tencent.CallTypeSingle, Result: tencent.ResultNormalEnd,
		StartTime: ended.Unix() - 70, AcceptTime: ended.Unix() - 60, EndTime: ended.Unix(), Members: []string{"patient-1", "doctor-17"},
	}
	charge, err := billing.Rate(record, "standard", standardAt(t, rate), ended)
	require.NoError(t, err)
	return ledger.Entry{SDKAppID: 1400000000, App: "clinic", Record: record, Charge: charge, WorkflowID: "call:1", FirstRunID: "run-1"}
}

// chargeAt books a call at a rate per minute.
func chargeAt(t *testing.T, url, rate string) {
	t.Helper()
	l, err := ledger.Open(t.Context(), url, ledger.Options{})
	require.NoError(t, err)
	_, _, err = l.Charge(t.Context(), chargedAt(t, "call-1", rate))
	require.NoError(t, err)
	require.NoError(t, l.Close())
}

// runsWith starts a worker that does not end by itself, and waits for a log line.
func runsWith(t *testing.T, environ, more map[string]string, line string) {
	t.Helper()
	all := map[string]string{}
	for _, part := range []map[string]string{environ, more} {
		for name, value := range part {
			all[name] = value
		}
	}
	ctx, stop := context.WithCancel(t.Context())
	logs, ended := &testenv.Log{}, make(chan error, 1)
	go func() { ended <- run(ctx, all, logs, prometheus.NewRegistry()) }()
	require.Eventually(t, func() bool { return logs.Count(line) == 1 }, within, 10*time.Millisecond)
	require.Empty(t, ended)
	stop()
	require.NoError(t, <-ended)
}
