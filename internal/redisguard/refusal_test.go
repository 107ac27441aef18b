package redisguard_test

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"aftercall/internal/circuit"
	"aftercall/internal/dedupe"
	"aftercall/internal/presence"
	"aftercall/internal/ratelimit"
	"aftercall/internal/redisguard"
	"aftercall/internal/tencent"
	"aftercall/internal/testenv"
	"aftercall/internal/testenv/testcert"
)

const recipeApp = 1400000000

// recipe is the user of docs/security.md.
func recipe(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile("../../docs/security.md")
	require.NoError(t, err)
	found := regexp.MustCompile(`(?m)^ACL SETUSER .*$`).FindString(string(text))
	require.NotEmpty(t, found)
	return strings.Fields(found)
}

// connected is a guard of a client at url.
type connected struct {
	rdb   *redis.Client
	guard *redisguard.Guard
	reg   *prometheus.Registry
	log   *testenv.Log
}

func connect(t *testing.T, url string, options ...redisguard.Option) connected {
	t.Helper()
	rdb, err := redisguard.NewClient(url, redisguard.PatientTimeout, options...)
	require.NoError(t, err)
	c := connected{rdb: rdb, reg: prometheus.NewRegistry(), log: &testenv.Log{}}
	c.guard = redisguard.New(t.Context(), rdb, c.reg, slog.New(slog.NewTextHandler(c.log, nil)))
	t.Cleanup(func() {
		c.guard.Close()
		require.NoError(t, rdb.Close())
	})
	return c
}

// requireNoOutage: a refusal is none.
func (c connected) requireNoOutage(t *testing.T) {
	t.Helper()
	require.NoError(t, testutil.GatherAndCompare(c.reg, strings.NewReader("# HELP aftercall_redis_outages_total Outages of Redis; each is logged once.\n# TYPE aftercall_redis_outages_total counter\naftercall_redis_outages_total 0\n"), "aftercall_redis_outages_total"))
}

func (c connected) refusals(t *testing.T) float64 {
	t.Helper()
	families, err := c.reg.Gather()
	require.NoError(t, err)
	for _, family := range families {
		if family.GetName() == "aftercall_redis_refusals_total" {
			return family.GetMetric()[0].GetCounter().GetValue()
		}
	}
	require.Fail(t, "no metric")
	return 0
}

// TestDocumentedUser lets all that uses Redis work as the user of docs/security.md.
func TestDocumentedUser(t *testing.T) {
	r, ok := testenv.StartRedis(t)
	if !ok {
		return
	}
	admin := connect(t, r.URL())
	command := recipe(t)
	args := make([]any, len(command))
	for i, arg := range command {
		args[i] = arg
	}
	require.NoError(t, admin.rdb.Do(t.Context(), args...).Err())
	url := strings.Replace(r.URL(), "redis://", "redis://aftercall:PASSWORD@", 1)
	user := connect(t, url)
	require.True(t, user.guard.Up(), user.log.String())

	claims := dedupe.New(user.guard, dedupe.DefaultWindow, time.Now, user.reg)
	fingerprint := strings.Repeat("0f", 16)
	claims.Confirm(t.Context(), claims.Claim(t.Context(), recipeApp, "c1", fingerprint), fingerprint)
	require.NoError(t, user.guard.Ping(t.Context()))
	call, err := dedupe.Lookup(t.Context(), user.rdb, time.Now(), recipeApp, "c1")
	require.NoError(t, err)
	require.True(t, call.Started)
	require.NoError(t, dedupe.Forget(t.Context(), user.guard, time.Now(), recipeApp, "c1"))
	limiter := ratelimit.New(user.guard, user.reg)
	require.NoError(t, limiter.Wait(t.Context(), recipeApp))
	limiter.Pause(t.Context(), recipeApp, time.Second)
	require.True(t, ratelimit.NewBuckets(user.guard, "calls", map[tencent.SDKAppID]ratelimit.Rate{recipeApp: {PerSecond: 1, Burst: 1}}).Take(t.Context(), recipeApp))
	breaker := circuit.New(user.guard, time.Now, user.reg, slog.New(slog.DiscardHandler)).For("crm", time.Minute, 1)
	failure := errors.New("refused")
	judge := func(error) circuit.Verdict { return circuit.Verdict{Failed: true, Problem: "a problem"} }
	for range circuit.FailuresToOpen {
		require.ErrorIs(t, breaker.Do(t.Context(), func(context.Context) error { return failure }, judge), failure)
	}
	state, err := circuit.OpenFor(t.Context(), user.guard, "crm", time.Now())
	require.NoError(t, err)
	require.Equal(t, 1, state.Processes)
	problem, err := circuit.ProblemOf(t.Context(), user.guard, "crm")
	require.NoError(t, err)
	require.Equal(t, "a problem", problem.Reason)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		presence.NewReporter(user.guard, presence.Starter, func() time.Duration { return 0 }, func() map[presence.Answer]int64 {
			return map[presence.Answer]int64{{App: "clinic", Outcome: "started", Status: 200}: 1}
		}).Run(ctx)
		close(ended)
	}()
	require.Eventually(t, func() bool {
		known, err := presence.Processes(t.Context(), user.guard, presence.Starter)
		return err == nil && len(known) == 1 && known[0].Alive()
	}, 30*time.Second, 5*time.Millisecond)
	_, err = presence.Answers(t.Context(), user.guard, 60)
	require.NoError(t, err)
	stop()
	<-ended
	require.NoError(t, user.rdb.Info(t.Context(), "server").Err())
	require.NoError(t, redisguard.CheckPermissions(t.Context(), user.rdb))
	require.Zero(t, user.refusals(t), user.log.String())
	user.requireNoOutage(t)

	keys, err := admin.rdb.Keys(t.Context(), "*").Result()
	require.NoError(t, err)
	require.NotEmpty(t, keys)
	for _, key := range keys {
		require.True(t, strings.HasPrefix(key, redisguard.KeyPrefix), key)
	}
	require.True(t, redisguard.Refused(user.rdb.Set(t.Context(), "other", 1, 0).Err()))
	require.True(t, redisguard.Refused(user.rdb.FlushAll(t.Context()).Err()))

	// A permission that is taken away is named, and stops nothing else.
	require.NoError(t, admin.rdb.Do(t.Context(), "ACL", "SETUSER", "aftercall", "-hset", "-time").Err())
	err = redisguard.CheckPermissions(t.Context(), user.rdb)
	require.ErrorContains(t, err, "hset")
	require.ErrorContains(t, err, "eval")
	err = user.guard.Do(t.Context(), func(ctx context.Context, rdb redis.UniversalClient) error {
		return rdb.HSet(ctx, redisguard.KeyPrefix+"x", "a", 1).Err()
	})
	require.True(t, redisguard.Refused(err))
	require.True(t, user.guard.Up())
	require.Positive(t, user.refusals(t))
	user.requireNoOutage(t)
	require.Contains(t, user.log.String(), "level=ERROR")

	wrong := connect(t, strings.Replace(url, "PASSWORD", "WRONG", 1))
	require.False(t, wrong.guard.Up())
	require.True(t, redisguard.Refused(wrong.guard.Ping(t.Context())))
	require.Positive(t, wrong.refusals(t))
	wrong.requireNoOutage(t)
	require.Contains(t, wrong.log.String(), redisguard.RefusalCure)
	require.NotContains(t, wrong.log.String(), "WRONG\"")
}

// TestRefusalAfterAnOutage has a Redis that comes back with a password.
func TestRefusalAfterAnOutage(t *testing.T) {
	server := miniredis.RunT(t)
	c := connect(t, "redis://"+server.Addr())
	server.Close()
	require.Error(t, c.guard.Ping(t.Context()))
	require.Error(t, c.guard.Do(t.Context(), func(ctx context.Context, rdb redis.UniversalClient) error { return rdb.Ping(ctx).Err() }))
	require.Zero(t, c.refusals(t))
	server.RequireAuth("new")
	require.NoError(t, server.Restart())
	require.Eventually(t, func() bool { return c.refusals(t) > 0 }, time.Minute, 5*time.Millisecond)
	require.Contains(t, c.log.String(), redisguard.RefusalCure)
	require.False(t, c.guard.Up())
}

// TestClientCertificate connects to a Redis that asks for one.
func TestClientCertificate(t *testing.T) {
	path, err := exec.LookPath("redis-server")
	if err != nil {
		return // StartRedis reports it in the other test
	}
	server, client := testcert.New(t, "server"), testcert.New(t, "client")
	serverCert, serverKey := server.Write(t, t.TempDir())
	clientCert, clientKey := client.Write(t, t.TempDir())
	port := strconv.Itoa(testenv.FreePort(t))
	cmd := exec.Command(path, "--port", "0", "--tls-port", port, "--bind", "127.0.0.1", "--save", "", "--dir", t.TempDir(),
		"--tls-cert-file", serverCert, "--tls-key-file", serverKey, "--tls-ca-cert-file", clientCert, "--tls-auth-clients", "yes")
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	url := "rediss://127.0.0.1:" + port
	files := redisguard.Certificates{CA: serverCert, Cert: clientCert, Key: clientKey}
	require.Eventually(t, func() bool {
		rdb, err := redisguard.NewClient(url, redisguard.PatientTimeout, redisguard.WithCertificates(files))
		require.NoError(t, err)
		defer rdb.Close()
		return rdb.Ping(t.Context()).Err() == nil
	}, 60*time.Second, 20*time.Millisecond)
	require.True(t, connect(t, url, redisguard.WithCertificates(files)).guard.Up())

	for name, wrong := range map[string]redisguard.Certificates{
		"no certificate of the client": {CA: serverCert}, "another one": {CA: serverCert, Cert: serverCert, Key: serverKey},
		"authority of the server unknown": {CA: clientCert, Cert: clientCert, Key: clientKey},
	} {
		c := connect(t, url, redisguard.WithCertificates(wrong))
		require.False(t, c.guard.Up(), name)
		// The alert of TLS may come after the connection has broken, which is an outage at first.
		require.Eventually(t, func() bool { return c.refusals(t) > 0 }, time.Minute, 5*time.Millisecond, name)
	}
	for want, files := range map[string]redisguard.Certificates{
		"AFTERCALL_REDIS_TLS_CA": {CA: "nowhere.pem"}, "no certificate in the PEM format": {CA: clientKey}, "AFTERCALL_REDIS_TLS_CERT": {Cert: clientCert, Key: serverKey},
	} {
		_, err := redisguard.NewClient(url, time.Second, redisguard.WithCertificates(files))
		require.ErrorContains(t, err, want)
	}
	_, err = redisguard.NewClient("redis://127.0.0.1", time.Second, redisguard.WithCertificates(files))
	require.ErrorContains(t, err, "rediss://")
}
