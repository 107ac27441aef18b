package config_test

import (
	"errors"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"aftercall/internal/config"
	"aftercall/internal/redisguard"
)

// with is the environment of a process, with changes.
func with(changes map[string]string) map[string]string {
	environ := environment()
	environ["AFTERCALL_CONFIG"] = exampleFile
	maps.Copy(environ, changes)
	return environ
}

func TestSettingsDefaults(t *testing.T) {
	starter, cfg, err := config.Starter(with(nil))
	require.NoError(t, err)
	require.Equal(t, ":8080", starter.Listen)
	require.Equal(t, "127.0.0.1:9090", starter.AdminListen)
	require.Equal(t, "redis://127.0.0.1:6379", starter.RedisURL.Reveal())
	require.Equal(t, "sqlite:aftercall.db", starter.LedgerURL.Reveal())
	require.Equal(t, "sqlite:aftercall.db", starter.LedgerURL.String())
	require.Equal(t, config.LogAuto, starter.LogFormat)
	require.Equal(t, slog.LevelInfo, starter.LogLevel)
	require.Equal(t, "aftercall", starter.TaskQueue)
	require.Empty(t, starter.TemporalUIURL)
	require.Len(t, cfg.Apps, 2)

	worker, cfg, err := config.Worker(with(map[string]string{"LEDGER_URL": ""}))
	require.NoError(t, err)
	require.Equal(t, "127.0.0.1:9091", worker.AdminListen)
	require.Equal(t, redisguard.ServiceTimeout, worker.RedisTimeout)
	require.Equal(t, "sqlite:aftercall.db", worker.LedgerURL.Reveal(), "empty is the default")
	require.Len(t, cfg.Apps, 2)
}

func TestSettingsFromTheEnvironment(t *testing.T) {
	starter, _, err := config.Starter(config.Environ(append([]string{
		"AFTERCALL_CONFIG=" + exampleFile,
		"REDIS_URL=rediss://:pass=word@cache:6380/1",
		"LEDGER_URL=sqlite:/var/lib/aftercall/ledger.db",
		"AFTERCALL_LOG_FORMAT=json", "AFTERCALL_LOG_LEVEL=debug",
		"AFTERCALL_TASK_QUEUE=calls", "AFTERCALL_TEMPORAL_UI_URL=http://localhost:8233/",
		"AFTERCALL_DRAIN=7s", "AFTERCALL_ANSWER_TIMEOUT=3s", "AFTERCALL_REDIS_TIMEOUT=300ms",
		"AFTERCALL_LISTEN=127.0.0.1:0", "AFTERCALL_ADMIN_LISTEN=[::1]:9000",
	}, list(environment())...)))
	require.NoError(t, err)
	require.Equal(t, "rediss://:pass=word@cache:6380/1", starter.RedisURL.Reveal())
	require.Equal(t, "sqlite:/var/lib/aftercall/ledger.db", starter.LedgerURL.Reveal())
	require.Equal(t, config.LogJSON, starter.LogFormat)
	require.Equal(t, slog.LevelDebug, starter.LogLevel)
	require.Equal(t, "calls", starter.TaskQueue)
	require.Equal(t, "http://localhost:8233", starter.TemporalUIURL)
	require.Equal(t, "127.0.0.1:0", starter.Listen)
	require.Equal(t, "[::1]:9000", starter.AdminListen)
	require.Equal(t, 7*time.Second, starter.Drain)
	require.Equal(t, 3*time.Second, starter.AnswerTimeout)
	require.Equal(t, redisguard.MaxTimeout, starter.RedisTimeout)
}

func list(environ map[string]string) []string {
	var out []string
	for name, value := range environ {
		out = append(out, name+"="+value)
	}
	return out
}

func TestSettingsProblems(t *testing.T) {
	for want, changes := range map[string]map[string]string{
		"AFTERCALL_CONFIG: is empty: give it the path of the YAML file":                                                                            {"AFTERCALL_CONFIG": ""},
		"REDIS_URL: must begin with redis://, rediss:// or unix://":                                                                                {"REDIS_URL": "http://u:canary@x"},
		"REDIS_URL: must be a URL, its scheme first, as in redis://127.0.0.1:6379 or sqlite:aftercall.db":                                          {"REDIS_URL": "127.0.0.1:6379"},
		"LEDGER_URL: must be sqlite: and the path of a file, as in sqlite:/var/lib/aftercall/ledger.db, or postgres://user:password@host/database": {"LEDGER_URL": "mysql://canary"},
		"AFTERCALL_LOG_FORMAT: must be auto, json or text":                                                                                         {"AFTERCALL_LOG_FORMAT": "xml"},
		"AFTERCALL_LOG_LEVEL: must be debug, info, warn or error":                                                                                  {"AFTERCALL_LOG_LEVEL": "loud"},
		"AFTERCALL_PROFILES: must be true or false":                                                                                                {"AFTERCALL_PROFILES": "yes please"},
		"AFTERCALL_DRAIN: must be a duration, as in 5s or 250ms":                                                                                   {"AFTERCALL_DRAIN": "5"},
		"AFTERCALL_REDIS_TIMEOUT: must be from 10ms to 300ms":                                                                                      {"AFTERCALL_REDIS_TIMEOUT": "1s"},
		"AFTERCALL_DRAIN: must be from 0s to 5m0s":                                                                                                 {"AFTERCALL_DRAIN": "-1s"},
		"AFTERCALL_ANSWER_TIMEOUT: must be from 1s to 25s":                                                                                         {"AFTERCALL_ANSWER_TIMEOUT": "900ms"},
		"AFTERCALL_TASK_QUEUE: must be a name without spaces around it":                                                                            {"AFTERCALL_TASK_QUEUE": " calls"},
		"AFTERCALL_TEMPORAL_UI_URL: must be an address such as http://localhost:8233":                                                              {"AFTERCALL_TEMPORAL_UI_URL": "localhost:8233"},
		"AFTERCALL_LISTEN: must be host:port or :port, as in 127.0.0.1:8080":                                                                       {"AFTERCALL_LISTEN": "8080"},
		"AFTERCALL_ADMIN_LISTEN: must be host:port or :port, as in 127.0.0.1:8080":                                                                 {"AFTERCALL_ADMIN_LISTEN": ":70000"},
		"AFTERCALL_LISTN: is not read: did you mean AFTERCALL_LISTEN?":                                                                             {"AFTERCALL_LISTN": ":1"},
		"nowhere.yaml: there is no such file: docs/aftercall.example.yaml is one to begin with":                                                    {"AFTERCALL_CONFIG": "nowhere.yaml"},
	} {
		_, cfg, err := config.Starter(with(changes))
		require.EqualError(t, err, want)
		require.Nil(t, cfg)
	}
	// Some changes do not concern the worker; it names the others as the starter does.
	_, _, err := config.Worker(with(map[string]string{"AFTERCALL_LISTEN": "8080", "AFTERCALL_ADMIN_LISTEN": "x"}))
	require.EqualError(t, err, "AFTERCALL_ADMIN_LISTEN: must be host:port or :port, as in 127.0.0.1:8080")
}

func TestAcceptedTariffs(t *testing.T) {
	worker, _, err := config.Worker(with(map[string]string{"AFTERCALL_ACCEPT_EDITED_TARIFF": " standard,lessons, "}))
	require.NoError(t, err)
	require.Equal(t, config.TariffNames{"standard", "lessons"}, worker.AcceptEditedTariff)
	_, cfg, err := config.Worker(with(map[string]string{"AFTERCALL_ACCEPT_EDITED_TARIFF": "all,standart"}))
	require.EqualError(t, err, "AFTERCALL_ACCEPT_EDITED_TARIFF: unknown tariff \"all\": known here are lessons, standard\n"+
		"AFTERCALL_ACCEPT_EDITED_TARIFF: unknown tariff \"standart\": did you mean \"standard\"?")
	require.Nil(t, cfg)
}

func TestProblemsOfEnvironmentAndFileTogether(t *testing.T) {
	file := filepath.Join(t.TempDir(), "bad.yaml")
	require.NoError(t, os.WriteFile(file, []byte("apps: []\ntargts: []\ntariffs: {}\n"), 0o600))
	_, _, err := config.Worker(map[string]string{
		"AFTERCALL_CONFIG": file, "AFTERCALL_LOG_FORMAT": "xml", "REDIS_URL": "canary", "AFTERCALL_CONFIGS": "x",
	})
	require.EqualError(t, err, "REDIS_URL: must be a URL, its scheme first, as in redis://127.0.0.1:6379 or sqlite:aftercall.db\n"+
		"AFTERCALL_LOG_FORMAT: must be auto, json or text\n"+
		"AFTERCALL_CONFIGS: is not read: did you mean AFTERCALL_CONFIG?\n"+
		file+":1:7: apps: must hold at least one app\n"+
		file+`:2:1: targts: unknown key "targts": did you mean "targets"?`)
	var all *config.Error
	require.True(t, errors.As(err, &all))
	require.Len(t, all.Problems, 5)

	_, _, err = config.Worker(nil)
	require.EqualError(t, err, "AFTERCALL_CONFIG: is not set: give it the path of the YAML file")
}

func TestVariableNamedByTheFileIsNotMisspelt(t *testing.T) {
	file := filepath.Join(t.TempDir(), "good.yaml")
	text := []byte(replaceOnce(t, valid, "${CLINIC_CALLBACK_TOKEN}", "${AFTERCALL_LISTENS}"))
	require.NoError(t, os.WriteFile(file, text, 0o600))
	_, _, err := config.Starter(with(map[string]string{"AFTERCALL_CONFIG": file, "AFTERCALL_LISTENS": "token"}))
	require.NoError(t, err)
}

func TestEncryptionSettings(t *testing.T) {
	const key = "canary:Y2FuYXJ5IGNhbmFyeSBjYW5hcnkgY2FuYXJ5IDEyMzQ="
	token := strings.Repeat("canary-token", 4)
	worker, _, err := config.Worker(with(map[string]string{
		"AFTERCALL_PAYLOAD_KEYS": key, "AFTERCALL_CODEC_TOKEN": token,
		"AFTERCALL_CODEC_ORIGINS": "https://temporal.example.com, http://localhost:8233",
	}))
	require.NoError(t, err)
	require.Equal(t, []string{"canary"}, worker.PayloadKeys.IDs())
	require.Equal(t, token, worker.CodecToken.Reveal())
	require.Equal(t, config.Origins{"https://temporal.example.com", "http://localhost:8233"}, worker.CodecOrigins)

	const badOrigin = "AFTERCALL_CODEC_ORIGINS: must be scheme, host and port, as in https://temporal.example.com or http://localhost:8233, several with commas between them"
	for want, changes := range map[string]map[string]string{
		"AFTERCALL_PAYLOAD_KEYS: key canary is not the base64 of 32 bytes: make one with: openssl rand -base64 32": {"AFTERCALL_PAYLOAD_KEYS": key[:30]},
		"AFTERCALL_CODEC_TOKEN: has no use without AFTERCALL_PAYLOAD_KEYS: set that too, or remove this":           {"AFTERCALL_CODEC_TOKEN": token},
		"AFTERCALL_CODEC_TOKEN: is shorter than 32 characters: make one with: openssl rand -hex 24":                {"AFTERCALL_CODEC_TOKEN": token[:31], "AFTERCALL_PAYLOAD_KEYS": key},
		"AFTERCALL_CODEC_ORIGINS: has no use without AFTERCALL_CODEC_TOKEN: set that too, or remove this":          {"AFTERCALL_CODEC_ORIGINS": "http://localhost:8233"},
		badOrigin: {"AFTERCALL_CODEC_ORIGINS": "http://localhost:8233/", "AFTERCALL_PAYLOAD_KEYS": key},
	} {
		_, _, err := config.Worker(with(changes))
		require.EqualError(t, err, want)
	}
	for _, origin := range []string{"*", "localhost:8233", "http://", "https://a.example/x", "https://a.example,", "https://user@a.example", "HTTPS://a.example"} {
		_, _, err := config.Worker(with(map[string]string{"AFTERCALL_CODEC_ORIGINS": origin}))
		require.EqualError(t, err, badOrigin, origin)
	}
}

func TestOperatorNeedsNoFile(t *testing.T) {
	settings, err := config.Operator(map[string]string{"LEDGER_URL": "postgres://me:canary@db/ledger"})
	require.NoError(t, err)
	require.Equal(t, "postgres://me:canary@db/ledger", settings.LedgerURL.Reveal())
	require.Equal(t, "aftercall", settings.TaskQueue)
	_, err = config.Operator(map[string]string{"LEDGER_URL": "mysql://me:canary@db/ledger", "AFTERCALL_TASK_QUEUE": " x"})
	require.ErrorContains(t, err, "LEDGER_URL: must be sqlite:")
	require.ErrorContains(t, err, "AFTERCALL_TASK_QUEUE: must be")
	require.NotContains(t, err.Error(), "canary")
}

func TestCertificateSettings(t *testing.T) {
	settings, _, err := config.Starter(with(map[string]string{"AFTERCALL_TLS_CERT": "cert.pem", "AFTERCALL_TLS_KEY": "key.pem", "AFTERCALL_REDIS_TLS_CA": "ca.pem"}))
	require.NoError(t, err, "the files are not read: an operator may not be allowed to")
	require.Equal(t, "cert.pem", settings.TLSCert)
	require.Equal(t, redisguard.Certificates{CA: "ca.pem"}, settings.RedisCertificates())
	for _, names := range [][2]string{{"AFTERCALL_TLS_CERT", "AFTERCALL_TLS_KEY"}, {"AFTERCALL_REDIS_TLS_CERT", "AFTERCALL_REDIS_TLS_KEY"}} {
		for i, name := range names {
			_, _, err := config.Starter(with(map[string]string{name: "file.pem"}))
			require.EqualError(t, err, name+": has no use without "+names[1-i]+": set that too, or remove this")
		}
	}
}

func TestDeployment(t *testing.T) {
	worker, _, err := config.Worker(with(map[string]string{"AFTERCALL_DEPLOYMENT": "after-call_2", "AFTERCALL_BUILD_ID": "v1.4.0+a1b2c3"}))
	require.NoError(t, err)
	require.Equal(t, config.DeploymentName("after-call_2"), worker.Deployment)
	require.Equal(t, config.BuildID("v1.4.0+a1b2c3"), worker.BuildID)
	require.False(t, worker.PinWorkflows)
	for want, changes := range map[string]map[string]string{
		"AFTERCALL_DEPLOYMENT: has no use without AFTERCALL_BUILD_ID: set that too, or remove this":       {"AFTERCALL_DEPLOYMENT": "aftercall"},
		"AFTERCALL_BUILD_ID: has no use without AFTERCALL_DEPLOYMENT: set that too, or remove this":       {"AFTERCALL_BUILD_ID": "1"},
		"AFTERCALL_DEPLOYMENT: must be 1 to 63 letters, digits, hyphens and underscores, as in aftercall": {"AFTERCALL_DEPLOYMENT": "after.call", "AFTERCALL_BUILD_ID": "1"},
		"AFTERCALL_PIN_WORKFLOWS: has no use without AFTERCALL_DEPLOYMENT: set that too, or remove this":  {"AFTERCALL_PIN_WORKFLOWS": "true"},
		"AFTERCALL_BUILD_ID: must be 1 to 127 letters, digits and . _ + -, as in 1.4.0 or a commit":       {"AFTERCALL_DEPLOYMENT": "aftercall", "AFTERCALL_BUILD_ID": "a b"},
	} {
		_, _, err := config.Worker(with(changes))
		require.EqualError(t, err, want)
	}
}
