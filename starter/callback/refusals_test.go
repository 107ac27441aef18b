package callback

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/stretchr/testify/require"
)

func TestRefusalsAreLogged(t *testing.T) {
	var logs bytes.Buffer
	var ends []func()
	m := miniredis.RunT(t)
	f := newFixtureWith(t, "redis://"+m.Addr(), m.FlushAll, func(h *Handler) {
		h.refusals = newRefusalLog(slog.New(slog.NewTextHandler(&logs, nil)))
		h.refusals.after = func(d time.Duration, f func()) {
			require.Equal(t, refusalInterval, d)
			ends = append(ends, f)
		}
	})
	noCallID := strings.Replace(body, "055662e1-bc8a-469c-a334-1126c8c17d58", "", 1)
	for range 300 {
		f.post(good, noCallID)
	}
	f.post(good, "hello")
	f.post(PathPrefix+"guess", body)
	f.requireOK(f.post(good, body))
	const reason = `status=400 app=clinic error_info="CallRecord.CallId: must not be empty"`
	require.Equal(t, refusalBurst, strings.Count(logs.String(), reason))
	require.Equal(t, 1, strings.Count(logs.String(), `status=400 app=clinic error_info="body: is not a JSON object"`))
	require.Equal(t, 1, strings.Count(logs.String(), `status=404 app="" error_info="not found"`))
	require.NotContains(t, logs.String(), "left_out")

	logs.Reset()
	require.Len(t, ends, 3)
	for _, end := range ends {
		end()
	}
	require.Equal(t, 1, strings.Count(logs.String(), "\n"), "only where some were left out")
	require.Contains(t, logs.String(), reason+" left_out=297")
	logs.Reset()
	f.post(good, noCallID)
	require.Contains(t, logs.String(), reason, "the next interval begins anew")
}

func TestRefusalsOfManyReasonsAreBounded(t *testing.T) {
	var logs bytes.Buffer
	l := newRefusalLog(slog.New(slog.NewTextHandler(&logs, nil)))
	l.after = func(time.Duration, func()) {}
	for i := range 2 * maxRefusalReasons {
		l.log(refuse(400, strings.Repeat("x", i)))
	}
	require.Len(t, l.reasons, maxRefusalReasons+1)
	require.Equal(t, maxRefusalReasons+refusalBurst, strings.Count(logs.String(), "\n"))
	l.endInterval(refusalReason{info: "various reasons"})
	require.Contains(t, logs.String(), `left_out=997`)
}

func TestDroppedFieldsAreCountedAndLoggedWithoutValues(t *testing.T) {
	var logs bytes.Buffer
	m := miniredis.RunT(t)
	f := newFixtureWith(t, "redis://"+m.Addr(), m.FlushAll, func(h *Handler) { h.logger = slog.New(slog.NewTextHandler(&logs, nil)) })
	odd := strings.NewReplacer(`"10001","user2"`, `{"user":"user3"},"user2"`, `1741231296`, `1741231296000`, `"NotAnswer"`, `["secret"]`).Replace(body)
	f.requireOK(f.post(good, odd))
	f.requireMetric("aftercall_callback_fields_dropped_total",
		`{app="clinic",field="CallResult"} 1`, `{app="clinic",field="CalleeList_Account"} 1`, `{app="clinic",field="EndTime"} 1`)
	require.Contains(t, logs.String(), `fields="[EndTime CallResult CalleeList_Account]"`)
	for _, value := range []string{"user3", "user2", "secret", "1741231296000"} {
		require.NotContains(t, logs.String(), value)
	}
	require.Len(t, f.temporal.params, 1)
	p := f.temporal.params[0]
	require.Equal(t, []string{"user2"}, p.Callback.Members)
	require.Equal(t, time.UnixMilli(1703589922780).UTC(), p.EndedAt)
}
