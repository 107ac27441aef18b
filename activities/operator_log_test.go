package activities

import (
	"bytes"
	"log/slog"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/testsuite"

	"aftercall/internal/tencent"
)

// TestWaitForAnOperatorIsLogged: arrears are logged once in a while, however many
// calls wait, and another reason at once.
func TestWaitForAnOperatorIsLogged(t *testing.T) {
	f := newFixture(t)
	var out bytes.Buffer
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(log.NewStructuredLogger(slog.New(slog.NewTextHandler(&out, nil))))
	f.env = suite.NewTestActivityEnvironment()
	f.env.RegisterActivityWithOptions(f.acts.FetchRecord, activity.RegisterOptions{Name: "FetchRecord"})
	now := f.acts.now()
	f.acts.now = func() time.Time { return now }
	request := 0
	fetch := func(code tencent.Code) int {
		t.Helper()
		out.Reset()
		for range 5 {
			request++
			f.fake.err = &tencent.APIError{Code: code, Info: "arrears", RequestID: strconv.Itoa(request)}
			_, err := f.env.ExecuteActivity("FetchRecord", FetchRecordParams{SDKAppID: clinic, CallID: "call-1"})
			require.Error(t, err)
		}
		return strings.Count(out.String(), "calls wait for an operator")
	}
	require.Equal(t, 1, fetch(60020))
	require.Contains(t, out.String(), "of=clinic type=RecordAPIRefused")
	require.Equal(t, 0, fetch(60020))
	require.Equal(t, 1, fetch(70009), "another reason")
	require.Equal(t, 0, fetch(tencent.CodeInternal), "nobody must act")
	now = now.Add(operatorLogPeriod)
	require.Equal(t, 1, fetch(60020))
}
