package ops

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"aftercall/internal/billing"
	"aftercall/internal/ledger"
	"aftercall/internal/tencent"
	"aftercall/internal/testenv/testconfig"
)

// TestProbeEditions: check says beforehand what a worker would refuse, in its words.
func TestProbeEditions(t *testing.T) {
	url := "sqlite:" + filepath.Join(t.TempDir(), "ledger.db")
	l, err := ledger.Open(t.Context(), url, ledger.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, l.Close()) })
	price, err := billing.ParseDecimal("0.10")
	require.NoError(t, err)
	ended := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	record := tencent.CallRecord{
		CallID: "call-1", Caller: "patient-1", MediaType: tencent.MediaAudio, CallType: tencent.CallTypeSingle, Result: tencent.ResultNormalEnd,
		StartTime: ended.Unix() - 70, AcceptTime: ended.Unix() - 60, EndTime: ended.Unix(), Members: []string{"patient-1", "doctor-17"},
	}
	charge, err := billing.Rate(record, "standard", billing.Tariff{Currency: "USD", Versions: []billing.Version{{
		EffectiveFrom: time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC),
		Rules:         []billing.Rule{{RatePerMinute: price, FirstInterval: 60, NextInterval: 60}},
	}}}, ended)
	require.NoError(t, err)
	_, _, err = l.Charge(t.Context(), ledger.Entry{SDKAppID: 1400000000, App: "clinic", Record: record, Charge: charge, WorkflowID: "call:1", FirstRunID: "run-1"})
	require.NoError(t, err)

	probe := func(rate, accepted string) Finding {
		t.Helper()
		c := testconfig.New()
		c.Tariffs["standard"] = testconfig.Tariff("USD", rate)
		file := filepath.Join(t.TempDir(), "aftercall.yaml")
		require.NoError(t, c.Write(file))
		d := New(t.Context(), map[string]string{"AFTERCALL_CONFIG": file, "LEDGER_URL": url, "AFTERCALL_ACCEPT_EDITED_TARIFF": accepted}, nil)
		defer d.Close()
		detail, err := probeEditions(t.Context(), d)
		return newFinding("tariff versions", "", detail, err)
	}
	require.Equal(t, Finding{Check: "tariff versions", OK: true, Status: FindingOK, Detail: "none was edited after calls were charged by it"}, probe("0.10", ""))
	found := probe("0.12", "another, ")
	require.Equal(t, FindingFailed, found.Status)
	require.Contains(t, found.Detail, "tariff standard, version of 2025-01-01T00:00:00Z: was edited after calls were charged by it: rules[0].rate_per_minute is 0.12, not 0.1 (edition ")
	require.Contains(t, found.Cure, "a worker that is started now refuses to run")
	found = probe("0.12", "another, standard")
	require.Equal(t, FindingWarning, found.Status)
	require.Contains(t, found.Detail, "accepted: tariff standard, version of 2025-01-01T00:00:00Z")
}
