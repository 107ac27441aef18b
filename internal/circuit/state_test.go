package circuit

import (
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/sony/gobreaker/v2"
	"github.com/stretchr/testify/require"
)

func openFor(t *testing.T, b *Breakers, target string, now time.Time) Open {
	t.Helper()
	state, err := OpenFor(t.Context(), b.guard, target, now)
	require.NoError(t, err)
	return state
}

func TestOpenBreakersOfAllProcesses(t *testing.T) {
	rdb := miniredis.RunT(t)
	one, two := newBreakers(t, rdb), newBreakers(t, rdb)
	first, second := one.For("crm", time.Hour, 4), two.For("crm", 3*time.Hour, 4)
	require.Zero(t, openFor(t, one, "crm", time.Now()))
	open(t, first)
	open(t, second)

	state := openFor(t, one, "crm", time.Now())
	require.Equal(t, 2, state.Processes)
	require.WithinDuration(t, time.Now().Add(3*time.Hour), state.Until, 10*time.Minute, "the last of them")
	require.Equal(t, 1, openFor(t, one, "crm", time.Now().Add(2*time.Hour)).Processes, "a process that died counts until its next test")
	require.Zero(t, openFor(t, one, "crm", time.Now().Add(4*time.Hour)))
	require.Zero(t, openFor(t, one, "audit", time.Now()), "another target")
	require.Equal(t, 6*time.Hour+time.Minute, rdb.TTL(key("crm")), "nothing stays in Redis of a target that is gone")

	second.stateChanged("", gobreaker.StateHalfOpen, gobreaker.StateClosed)
	second.publish(t.Context())
	require.Equal(t, 1, openFor(t, one, "crm", time.Now()).Processes, "closed again")
}

func TestOnlyAChangeIsPublished(t *testing.T) {
	rdb := miniredis.RunT(t)
	b := newBreakers(t, rdb).For("crm", time.Hour, 4)
	open(t, b)
	rdb.FlushAll()
	_ = requireHeld(t, b, "open")
	require.NotContains(t, rdb.Keys(), key("crm"))
}

func TestABreakerWorksWithoutRedis(t *testing.T) {
	rdb := miniredis.RunT(t)
	b := newBreakers(t, rdb).For("crm", time.Hour, 4)
	rdb.Close()
	open(t, b)
	_ = requireHeld(t, b, "open")
	_, err := OpenFor(t.Context(), b.all.guard, "crm", time.Now())
	require.Error(t, err)
}
