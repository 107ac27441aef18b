package ledger_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func testSweptTo(t *testing.T, url string) {
	l, other := open(t, url), open(t, url)
	ctx := context.Background()
	at := time.Unix(ended, 0).UTC()

	never, err := l.SweptTo(ctx, testApp)
	require.NoError(t, err)
	require.True(t, never.IsZero())

	require.NoError(t, l.SetSweptTo(ctx, testApp, at))
	require.NoError(t, other.SetSweptTo(ctx, testApp, at.Add(-time.Hour)), "an earlier one is no error")
	got, err := other.SweptTo(ctx, testApp)
	require.NoError(t, err)
	require.Equal(t, at, got, "it never goes back")

	errs := make(chan error, 20)
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() { errs <- l.SetSweptTo(ctx, testApp, at.Add(time.Duration(i)*time.Minute)) })
	}
	wg.Wait()
	close(errs)
	for err := range errs {
		require.NoError(t, err)
	}
	got, err = l.SweptTo(ctx, testApp)
	require.NoError(t, err)
	require.Equal(t, at.Add(19*time.Minute), got, "two sweeps at once leave the further one")

	got, err = l.SweptTo(ctx, testApp+1)
	require.NoError(t, err)
	require.True(t, got.IsZero(), "apps do not share it")
}
