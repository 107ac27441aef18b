package activities

import (
	"context"
	"errors"
	"iter"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/testsuite"

	"aftercall/internal/evidence"
	"aftercall/internal/sweep"
	"aftercall/internal/tencent"
	"aftercall/internal/testenv"
)

// auditWorld is Tencent, the ledger and the store of the evidence, as an audit sees them.
type auditWorld struct {
	now                                time.Time
	uses                               []evidence.RoomUse
	nowErr, openErr, roomsErr, listErr error
	closed                             int
	// unlisted is how many records Tencent counts that it does not list.
	unlisted int
}

func (w *auditWorld) Now(context.Context) (time.Time, error) { return w.now, w.nowErr }

func (w *auditWorld) RoomsInUse(_ context.Context, app tencent.SDKAppID, _, _ time.Time) ([]evidence.RoomUse, error) {
	if app != clinic {
		return nil, errors.New("another app")
	}
	return w.uses, w.roomsErr
}

func (*auditWorld) Started(context.Context, tencent.SDKAppID, time.Time, time.Time) ([]evidence.Event, error) {
	return nil, nil
}

func (w *auditWorld) Close() error {
	w.closed++
	return nil
}

// auditLedgerOf is the ledger, which has no call.
type auditLedgerOf struct{ *auditWorld }

func (auditLedgerOf) Records(context.Context, tencent.SDKAppID, time.Time, time.Time) iter.Seq2[tencent.CallRecord, error] {
	return func(func(tencent.CallRecord, error) bool) {}
}

// auditAPIOf is Tencent, which has the record of the first use.
type auditAPIOf struct{ *auditWorld }

func (w auditAPIOf) Records(context.Context, tencent.RecordFilter) (page tencent.RecordPage, err error) {
	if w.listErr != nil || len(w.uses) == 0 {
		return page, w.listErr
	}
	u := w.uses[0]
	record := tencent.CallRecord{CallID: "call-1", RoomID: u.RoomID, RoomIDType: u.RoomIDType, StartTime: u.From.Unix(), EndTime: u.To.Unix()}
	return tencent.RecordPage{TotalNum: 1 + w.unlisted, Rows: []tencent.RecordRow{{Record: record}}}, nil
}

type auditFixture struct {
	*auditWorld
	audits *Audits
	env    *testsuite.TestActivityEnvironment
	logs   *testenv.Log
}

func newAuditFixture() *auditFixture {
	w := &auditWorld{now: endedAt.Add(time.Hour)}
	w.uses = []evidence.RoomUse{
		{RoomID: "secret-room-1", RoomIDType: 2, From: endedAt, To: endedAt.Add(time.Minute), EmptyAt: endedAt.Add(time.Minute), Members: 2},
		{RoomID: "secret-room-2", RoomIDType: 2, From: endedAt, To: endedAt.Add(30 * time.Second), EmptyAt: endedAt.Add(time.Minute), Members: 3},
	}
	a := NewAudits(
		[]AuditApp{{ID: clinic, Name: "clinic", Records: auditAPIOf{w}, Settings: sweep.Settings{Overlap: time.Hour, MaxWindow: 6 * time.Hour}}},
		auditLedgerOf{w}, func(context.Context) (AuditStore, error) { return w, w.openErr }, 24*time.Hour, prometheus.NewRegistry(),
	)
	env, logs := newEnv()
	env.RegisterActivityWithOptions(a.AuditRooms, activity.RegisterOptions{Name: "AuditRooms"})
	return &auditFixture{w, a, env, logs}
}

func (f *auditFixture) run(app tencent.SDKAppID, from time.Time) (result AuditRoomsResult, err error) {
	value, err := f.env.ExecuteActivity("AuditRooms", AuditRoomsParams{SDKAppID: app, From: from, To: from.Add(time.Hour)})
	if err != nil {
		return result, err
	}
	return result, value.Get(&result)
}

func (f *auditFixture) counted(c *prometheus.CounterVec, outcome string) float64 {
	return testutil.ToFloat64(c.WithLabelValues("clinic", outcome))
}

func TestAuditRooms(t *testing.T) {
	f := newAuditFixture()
	require.Equal(t, 2, testutil.CollectAndCount(f.audits.metrics.seconds), "exported from the start")
	result, err := f.run(clinic, endedAt)
	require.NoError(t, err)
	require.Equal(t, 2, result.Uses)
	require.Equal(t, int64(90), result.Seconds)
	require.Equal(t, 1, result.Unexplained)
	require.Equal(t, int64(30), result.UnexplainedSeconds)
	require.Equal(t, tencent.RoomID("secret-room-2"), result.Examples[0].ID)
	require.Equal(t, 1, f.closed)
	require.InDelta(t, 60, f.counted(f.audits.metrics.seconds, "explained"), 0)
	require.InDelta(t, 30, f.counted(f.audits.metrics.seconds, "unexplained"), 0)
	require.InDelta(t, 1, f.counted(f.audits.metrics.audits, "done"), 0)
	require.Equal(t, 1, f.logs.Count("without a record of a call"))
	require.NotContains(t, f.logs.String(), "secret-room")

	f.uses = nil
	_, err = f.run(clinic, endedAt)
	require.NoError(t, err)
	require.Equal(t, 1, f.logs.Count("without a record of a call"))
}

// TestAuditOfUnreadableRecords: a record that nobody can read costs no hour of the audit.
func TestAuditOfUnreadableRecords(t *testing.T) {
	f := newAuditFixture()
	f.listErr = &tencent.UnreadableAnswerError{}
	result, err := f.run(clinic, endedAt)
	require.NoError(t, err)
	require.Equal(t, 2, result.Unexplained)
	require.Contains(t, f.logs.String(), "cannot be read")
	require.InDelta(t, 2, testutil.ToFloat64(f.audits.metrics.unexplained.WithLabelValues("clinic")), 0)

	f = newAuditFixture()
	f.unlisted = 1
	result, err = f.run(clinic, endedAt)
	require.NoError(t, err)
	require.Equal(t, 1, result.Unexplained)
	require.Contains(t, f.logs.String(), "1 records from ")
}

// TestAuditRoomsKeepsFewExamples: the result of an hour without a ledger is small.
func TestAuditRoomsKeepsFewExamples(t *testing.T) {
	f := newAuditFixture()
	for range 100 {
		f.uses = append(f.uses, f.uses[1])
	}
	result, err := f.run(clinic, endedAt)
	require.NoError(t, err)
	require.Equal(t, 101, result.Unexplained)
	require.Len(t, result.Examples, maxExamples)
}

func TestAuditRoomsErrors(t *testing.T) {
	down := errors.New("connection refused")
	for name, c := range map[string]struct {
		change func(*auditFixture)
		app    tencent.SDKAppID
		from   time.Time
		want   string
	}{
		"another app":                 {func(*auditFixture) {}, clinic + 1, endedAt, AppNotConfigured},
		"longer ago than can be seen": {func(f *auditFixture) { f.now = endedAt.Add(24*time.Hour + 1) }, clinic, endedAt, AuditTooLate},
		"no ledger":                   {func(f *auditFixture) { f.nowErr = down }, clinic, endedAt, LedgerUnavailable},
		"no store":                    {func(f *auditFixture) { f.openErr = down }, clinic, endedAt, EvidenceUnavailable},
		"the store fails":             {func(f *auditFixture) { f.roomsErr = down }, clinic, endedAt, EvidenceUnavailable},
		"Tencent is down":             {func(f *auditFixture) { f.listErr = down }, clinic, endedAt, RecordAPIUnavailable},
		"Tencent refuses":             {func(f *auditFixture) { f.listErr = &tencent.APIError{Code: 60017} }, clinic, endedAt, RecordAPIRefused},
	} {
		f := newAuditFixture()
		c.change(f)
		_, err := f.run(c.app, c.from)
		require.Equal(t, c.want, errorType(err), name)
		require.InDelta(t, 0, f.counted(f.audits.metrics.seconds, "unexplained"), 0, "nothing is counted before all is known")
		if c.app == clinic {
			require.InDelta(t, 1, f.counted(f.audits.metrics.audits, "failed"), 0)
		}
	}
}
