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
	const settle = 2 * time.Minute

	never, err := l.SweptTo(ctx, testApp)
	require.NoError(t, err)
	require.True(t, never.IsZero())

	require.NoError(t, l.SetSweptTo(ctx, testApp, at, settle))
	require.NoError(t, other.SetSweptTo(ctx, testApp, at.Add(-time.Hour), settle), "an earlier one is no error")
	got, err := other.SweptTo(ctx, testApp)
	require.NoError(t, err)
	require.Equal(t, at, got, "it never goes back")

	errs := make(chan error, 20)
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() { errs <- l.SetSweptTo(ctx, testApp, at.Add(time.Duration(i)*time.Minute), settle) })
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

// testSweptToInTheFuture stores progress as a worker whose clock is ahead would.
func testSweptToInTheFuture(t *testing.T, url string) {
	l := open(t, url)
	const settle = time.Minute
	now, err := l.Now(t.Context())
	require.NoError(t, err)
	require.WithinDuration(t, time.Now(), now, 5*time.Second)
	require.NoError(t, l.SetSweptTo(t.Context(), testApp, now.Add(time.Hour), settle))
	got, err := l.SweptTo(t.Context(), testApp)
	require.NoError(t, err)
	require.WithinDuration(t, now.Add(-settle), got, 10*time.Second, "never beyond the database's now less the settle delay")

	require.NoError(t, l.ForgetSweptTo(t.Context(), testApp, got.Add(time.Second)))
	kept, err := l.SweptTo(t.Context(), testApp)
	require.NoError(t, err)
	require.Equal(t, got, kept, "a sweep has moved it since")
	require.NoError(t, l.ForgetSweptTo(t.Context(), testApp, got))
	kept, err = l.SweptTo(t.Context(), testApp)
	require.NoError(t, err)
	require.True(t, kept.IsZero())
}
