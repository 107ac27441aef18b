package circuit

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/stretchr/testify/require"
)

var errSecret = errors.New("answered 401 Unauthorized")

// judge is what the targets of this test do: errSecret is for an operator.
func judge(err error) Verdict {
	if errors.Is(err, errSecret) {
		return Verdict{Failed: true, Problem: err.Error()}
	}
	return Verdict{Failed: isDown(err)}
}

func problemOf(t *testing.T, b *Breaker) Problem {
	t.Helper()
	problem, err := ProblemOf(t.Context(), b.all.guard, b.target)
	require.NoError(t, err)
	return problem
}

func TestProblemsForAnOperator(t *testing.T) {
	rdb := miniredis.RunT(t)
	one, two := newBreakers(t, rdb).For("crm", time.Hour, 4), newBreakers(t, rdb).For("crm", time.Hour, 4)
	ends := func(b *Breaker, with error) {
		b.problem.at = b.problem.at.Add(-republishAfter) // as if that much later
		require.Equal(t, with, b.Do(t.Context(), func(context.Context) error { return with }, judge))
	}
	ends(one, nil)
	require.Zero(t, problemOf(t, one))
	ends(one, errSecret)
	problem := problemOf(t, two)
	require.Equal(t, "answered 401 Unauthorized", problem.Reason)
	require.WithinDuration(t, time.Now(), problem.Since, time.Minute)
	require.Equal(t, problemTTL, rdb.TTL(problemKey("crm")), "nothing stays in Redis of a target that is gone")

	rdb.HSet(problemKey("crm"), "since", "1000")
	ends(two, errSecret)
	ends(two, errDown)
	ends(two, errRefused)
	require.Equal(t, Problem{Reason: "answered 401 Unauthorized", Since: time.Unix(1000, 0)}, problemOf(t, one), "since the first time; other failures say nothing about it")
	ends(two, nil)
	require.Zero(t, problemOf(t, one), "a success in any process ends it")
	require.False(t, rdb.Exists(problemKey("crm")))
}

func TestAProblemIsNotWrittenForEveryRequest(t *testing.T) {
	rdb := miniredis.RunT(t)
	b := newBreakers(t, rdb).For("crm", time.Hour, 4)
	for range 3 {
		require.ErrorIs(t, b.Do(t.Context(), func(context.Context) error { return errSecret }, judge), errSecret)
		rdb.FlushAll()
	}
	require.Zero(t, problemOf(t, b))
	require.NoError(t, b.Do(t.Context(), func(context.Context) error { return nil }, judge))
	require.ErrorIs(t, b.Do(t.Context(), func(context.Context) error { return errSecret }, judge), errSecret)
	require.NotZero(t, problemOf(t, b), "but every change is")
	rdb.Close()
	_, err := ProblemOf(t.Context(), b.all.guard, "crm")
	require.Error(t, err)
}

// TestWhatRedisMissedIsWrittenLater: a write that fails is repeated with the next
// attempt, not with the next change.
func TestWhatRedisMissedIsWrittenLater(t *testing.T) {
	rdb := miniredis.RunT(t)
	b := newBreakers(t, rdb).For("crm", time.Hour, 4)
	ends := func() {
		err := b.Do(t.Context(), func(context.Context) error { return errSecret }, judge)
		require.Error(t, err)
	}
	rdb.SetError("LOADING Redis is loading the dataset in memory")
	for range FailuresToOpen {
		ends()
	}
	rdb.SetError("")
	require.Eventually(t, func() bool {
		ends() // held: it publishes that the breaker is open
		open, err := OpenFor(t.Context(), b.all.guard, "crm", time.Now())
		return err == nil && open.Processes == 1
	}, 10*time.Second, 10*time.Millisecond)
	b.publishProblem(t.Context(), false, "answered 401 Unauthorized")
	require.NotZero(t, problemOf(t, b))
}
