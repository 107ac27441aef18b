package config

import (
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/caarlos0/env/v11"

	"aftercall/internal/keyring"
	"aftercall/internal/ledger"
	"aftercall/internal/ledgerlog"
	"aftercall/internal/redisguard"
)

// Common are the process settings of starter and worker alike. The connection
// to Temporal is not among them: its own TEMPORAL_* variables are read by
// Temporal's envconfig.
type Common struct {
	ConfigFile    string          `env:"AFTERCALL_CONFIG,required,notEmpty" doc:"Path of the YAML file."`
	RedisURL      ConnectionURL   `env:"REDIS_URL" envDefault:"redis://127.0.0.1:6379" doc:"Redis for the duplicate check and the request limit that all processes share: redis://, rediss:// or unix://."`
	RedisTimeout  time.Duration   `env:"AFTERCALL_REDIS_TIMEOUT" envDefault:"250ms" doc:"How long starter and worker wait for an answer of Redis, 10ms to 300ms. A Redis that takes longer is not used."`
	RedisTLSCA    string          `env:"AFTERCALL_REDIS_TLS_CA" doc:"Path of the CA certificates, in PEM format, for a rediss:// Redis; left out, those of the system."`
	RedisTLSCert  string          `env:"AFTERCALL_REDIS_TLS_CERT" doc:"Path of this process's certificate, in PEM format, for a rediss:// Redis that asks for one."`
	RedisTLSKey   string          `env:"AFTERCALL_REDIS_TLS_KEY" doc:"Path of the private key of AFTERCALL_REDIS_TLS_CERT."`
	LedgerURL     ConnectionURL   `env:"LEDGER_URL" envDefault:"sqlite:aftercall.db" doc:"The ledger: sqlite: and the path of a file, or postgres://user:password@host/database."`
	LogFormat     LogFormat       `env:"AFTERCALL_LOG_FORMAT" envDefault:"auto" doc:"json, text, or auto: text on a terminal, else json."`
	LogLevel      slog.Level      `env:"AFTERCALL_LOG_LEVEL" envDefault:"info" doc:"debug, info, warn or error."`
	TaskQueue     string          `env:"AFTERCALL_TASK_QUEUE" envDefault:"aftercall" doc:"Temporal task queue; the same for starter and worker."`
	PayloadKeys   keyring.Keyring `env:"AFTERCALL_PAYLOAD_KEYS" doc:"Keys that encrypt what Temporal stores, as id:base64,id:base64 with the newest first; the same for starter and worker; left out, nothing is encrypted. See [privacy.md](privacy.md)."`
	TemporalUIURL string          `env:"AFTERCALL_TEMPORAL_UI_URL" doc:"Address of Temporal's Web UI, for links in output; left out, there are none."`
	Profiles      bool            `env:"AFTERCALL_PROFILES" envDefault:"false" doc:"true serves Go's profiles at /debug/pprof/ of the admin listener."`
}

// StarterSettings are the process settings of the starter.
type StarterSettings struct {
	Common
	Listen      string `env:"AFTERCALL_LISTEN" envDefault:":8080" doc:"host:port for Tencent's callbacks."`
	TLSCert     string `env:"AFTERCALL_TLS_CERT" doc:"Path of the certificate with its chain, in the PEM format, for callbacks over HTTPS; left out, HTTP, for a proxy that ends TLS. A file that changes is read again within ten seconds."`
	TLSKey      string `env:"AFTERCALL_TLS_KEY" doc:"Path of the private key of AFTERCALL_TLS_CERT, in the PEM format."`
	AdminListen string `env:"AFTERCALL_ADMIN_LISTEN" envDefault:"127.0.0.1:9090" doc:"host:port for /healthz, /readyz and /metrics."`
	// AnswerTimeout is longer in tests, on whose machine everything else runs too.
	AnswerTimeout time.Duration `env:"AFTERCALL_ANSWER_TIMEOUT" envDefault:"1.4s" doc:"How long the answer to a callback may take, 1s to 25s; after it 503, so that nothing is acknowledged that is not started. Tencent's neighbouring products wait 1.5 to 2 s: raise it only if you know that your callbacks wait longer."`
	// Drain is set to 0 in development, where waiting for it is only a delay.
	Drain time.Duration `env:"AFTERCALL_DRAIN" envDefault:"5s" doc:"How long callbacks are still accepted after SIGTERM, while /readyz is red; 0s without a load balancer. See [operations.md](operations.md#a-rolling-restart)."`
}

// maxDrain is less than what process supervisors wait for by themselves before
// they kill, where that is generous.
const maxDrain = 5 * time.Minute

// minAnswerTimeout leaves time for Temporal beside that for Redis. maxAnswerTimeout
// is below the listener's limit for writing an answer.
const (
	minAnswerTimeout = time.Second
	maxAnswerTimeout = 25 * time.Second
)

// maxCheckpointEvery is so short that what was altered in between is not a whole
// business year.
const maxCheckpointEvery = 30 * 24 * time.Hour

// WorkerSettings are the process settings of the worker.
type WorkerSettings struct {
	Common
	// TakeSweeps moves the sweeps of a whole task queue at once; by itself a worker
	// takes them when the other queue has no worker any more.
	TakeSweeps bool `env:"AFTERCALL_TAKE_SWEEPS" envDefault:"false" doc:"true takes the schedules of the sweeps even from another task queue that has workers; false waits until it has none."`

	Deployment DeploymentName `env:"AFTERCALL_DEPLOYMENT" doc:"Name of a Worker Deployment in Temporal, such as aftercall; left out, workers are not versioned. See [operations.md](operations.md#worker-versions)."`
	BuildID    BuildID        `env:"AFTERCALL_BUILD_ID" doc:"What this build of the worker is called in AFTERCALL_DEPLOYMENT, such as a version or a commit."`
	// PinWorkflows is how a release can be tried out and left again.
	PinWorkflows bool `env:"AFTERCALL_PIN_WORKFLOWS" envDefault:"false" doc:"true leaves a workflow that this version has taken to it until it ends, whatever is current then; false lets it go on with the version that is current."`

	AcceptEditedTariff TariffNames `env:"AFTERCALL_ACCEPT_EDITED_TARIFF" doc:"Names of tariffs, with commas between them, that were edited under calls that were charged, and are used nevertheless. See [billing.md](billing.md#edited-versions)."`

	AdminListen  string  `env:"AFTERCALL_ADMIN_LISTEN" envDefault:"127.0.0.1:9091" doc:"host:port for /healthz, /readyz, /metrics and /codec/."`
	CodecToken   Secret  `env:"AFTERCALL_CODEC_TOKEN" doc:"Bearer token of the codec endpoint, which decrypts for those who have it, 32 characters or more; left out, there is no endpoint."`
	CodecOrigins Origins `env:"AFTERCALL_CODEC_ORIGINS" doc:"Origins of the Web UIs whose pages may ask the codec endpoint, with commas between them, as in https://temporal.example.com."`

	LedgerKey       ledgerlog.Key `env:"AFTERCALL_LEDGER_KEY" doc:"Private key that signs the checkpoints of the ledger, made by aftercall ledger new-key; left out, they are not signed. See [ledger.md](ledger.md#tamper-evidence)."`
	CheckpointEvery time.Duration `env:"AFTERCALL_CHECKPOINT_EVERY" envDefault:"24h" doc:"How often a checkpoint of the ledger is made and sent, 1m to 720h."`
}

// OperatorSettings are the process settings of commands that do without the
// YAML file: reading the ledger does not require the secrets of the apps.
type OperatorSettings struct {
	LedgerURL ConnectionURL `env:"LEDGER_URL" envDefault:"sqlite:aftercall.db"`
	TaskQueue string        `env:"AFTERCALL_TASK_QUEUE" envDefault:"aftercall"`
	LedgerKey ledgerlog.Key `env:"AFTERCALL_LEDGER_KEY"`
}

// LogFormat is how log lines look.
type LogFormat string

// The log formats. LogAuto is LogText on a terminal and LogJSON elsewhere.
const (
	LogAuto LogFormat = "auto"
	LogJSON LogFormat = "json"
	LogText LogFormat = "text"
)

// UnmarshalText accepts the names of the formats.
func (f *LogFormat) UnmarshalText(text []byte) error {
	*f = LogFormat(text)
	if !slices.Contains([]LogFormat{LogAuto, LogJSON, LogText}, *f) {
		return errors.New("must be auto, json or text")
	}
	return nil
}

// Environ turns the form of os.Environ into the form that Starter and Worker read.
func Environ(environ []string) map[string]string { return env.ToMap(environ) }

// Starter reads the settings of the starter from environ, and the YAML file
// that they name. The error is an *Error with every problem of both.
func Starter(environ map[string]string) (StarterSettings, *Config, error) {
	var settings StarterSettings
	problems := parseSettings(&settings, environ)
	problems = append(problems, listenProblem("AFTERCALL_LISTEN", settings.Listen)...)
	problems = append(problems, listenProblem("AFTERCALL_ADMIN_LISTEN", settings.AdminListen)...)
	problems = append(problems, pairProblems("AFTERCALL_TLS_CERT", settings.TLSCert, "AFTERCALL_TLS_KEY", settings.TLSKey)...)
	problems = append(problems, rangeProblem("AFTERCALL_DRAIN", settings.Drain, 0, maxDrain)...)
	problems = append(problems, rangeProblem("AFTERCALL_ANSWER_TIMEOUT", settings.AnswerTimeout, minAnswerTimeout, maxAnswerTimeout)...)
	file, err := loadWith(&settings.Common, environ, problems)
	return settings, file, err
}

// Worker is Starter for the worker.
func Worker(environ map[string]string) (WorkerSettings, *Config, error) {
	var settings WorkerSettings
	problems := parseSettings(&settings, environ)
	problems = append(problems, listenProblem("AFTERCALL_ADMIN_LISTEN", settings.AdminListen)...)
	problems = append(problems, settings.codecProblems(environ)...)
	problems = append(problems, pairProblems("AFTERCALL_DEPLOYMENT", string(settings.Deployment), "AFTERCALL_BUILD_ID", string(settings.BuildID))...)
	if settings.PinWorkflows && settings.Deployment == "" {
		problems = append(problems, Problem{Key: "AFTERCALL_PIN_WORKFLOWS", Message: "has no use without AFTERCALL_DEPLOYMENT: set that too, or remove this"})
	}
	problems = append(problems, rangeProblem("AFTERCALL_CHECKPOINT_EVERY", settings.CheckpointEvery, time.Minute, maxCheckpointEvery)...)
	file, err := loadWith(&settings.Common, environ, problems)
	if err != nil {
		return settings, nil, err
	}
	if err := asError(settings.AcceptEditedTariff.problems(file)); err != nil {
		return settings, nil, err
	}
	return settings, file, nil
}

// Operator reads the settings of commands that do without the YAML file. The
// error is an *Error with every problem.
func Operator(environ map[string]string) (OperatorSettings, error) {
	var settings OperatorSettings
	problems := parseSettings(&settings, environ)
	problems = append(problems, settings.LedgerURL.ledgerProblem()...)
	problems = append(problems, taskQueueProblem(settings.TaskQueue)...)
	return settings, asError(append(problems, misspelt(environ, nil)...))
}

// loadWith checks the common settings and loads the file, even after problems,
// so that all of them are reported at once.
func loadWith(common *Common, environ map[string]string, problems []Problem) (*Config, error) {
	problems = append(problems, common.validate()...)
	var file *Config
	if common.ConfigFile != "" {
		var err error
		file, err = Load(common.ConfigFile, func(name string) (string, bool) {
			value, ok := environ[name]
			return value, ok
		})
		var bad *Error
		if errors.As(err, &bad) {
			problems = append(problems, bad.Problems...)
		}
	}
	problems = append(problems, misspelt(environ, file)...)
	if err := asError(problems); err != nil {
		return nil, err
	}
	return file, nil
}

// parseSettings fills settings, a pointer to a struct with env tags.
func parseSettings(settings any, environ map[string]string) []Problem {
	err := env.ParseWithOptions(settings, env.Options{Environment: environ})
	var all env.AggregateError
	if !errors.As(err, &all) {
		return nil
	}
	variables := variablesOf(reflect.TypeOf(settings).Elem())
	var problems []Problem
	for _, err := range all.Errors {
		var parse env.ParseError
		var unset env.VarIsNotSetError
		var empty env.EmptyVarError
		switch {
		case errors.As(err, &parse):
			i := slices.IndexFunc(variables, func(v variable) bool { return v.field == parse.Name })
			message := parse.Err.Error()
			if parse.Type == reflect.TypeFor[slog.Level]() {
				message = "must be debug, info, warn or error"
			}
			if parse.Type == reflect.TypeFor[time.Duration]() {
				message = "must be a duration, as in 5s or 250ms"
			}
			if parse.Type.Kind() == reflect.Bool {
				message = "must be true or false"
			}
			problems = append(problems, Problem{Key: variables[i].name, Message: message})
		case errors.As(err, &unset):
			problems = append(problems, Problem{Key: unset.Key, Message: "is not set: give it the path of the YAML file"})
		case errors.As(err, &empty):
			problems = append(problems, Problem{Key: empty.Key, Message: "is empty: give it the path of the YAML file"})
		default:
			problems = append(problems, Problem{Message: err.Error()})
		}
	}
	return problems
}

// variable is one environment variable of a settings struct.
type variable struct {
	name, field, defaultText, doc string
	required                      bool
}

// variablesOf lists the variables of a settings struct in the order of the struct.
func variablesOf(t reflect.Type) []variable {
	var variables []variable
	for _, f := range reflect.VisibleFields(t) {
		name, options, _ := strings.Cut(f.Tag.Get("env"), ",")
		if name == "" {
			continue
		}
		variables = append(variables, variable{
			name: name, field: f.Name, defaultText: f.Tag.Get("envDefault"), doc: f.Tag.Get("doc"),
			required: strings.Contains(options, "required"),
		})
	}
	return variables
}

func (c *Common) validate() []Problem {
	var problems []Problem
	report := func(key, message string) { problems = append(problems, Problem{Key: key, Message: message}) }
	// A URL without a scheme did not parse, which is reported already.
	if s := c.RedisURL.Scheme(); s != "" && !slices.Contains([]string{"redis", "rediss", "unix"}, s) {
		report("REDIS_URL", "must begin with redis://, rediss:// or unix://")
	}
	problems = append(problems, rangeProblem("AFTERCALL_REDIS_TIMEOUT", c.RedisTimeout, redisguard.MinTimeout, redisguard.MaxTimeout)...)
	problems = append(problems, pairProblems("AFTERCALL_REDIS_TLS_CERT", c.RedisTLSCert, "AFTERCALL_REDIS_TLS_KEY", c.RedisTLSKey)...)
	problems = append(problems, c.LedgerURL.ledgerProblem()...)
	problems = append(problems, taskQueueProblem(c.TaskQueue)...)
	if c.TemporalUIURL != "" {
		parsed, err := url.Parse(c.TemporalUIURL)
		if err != nil || parsed.Hostname() == "" || (parsed.Scheme != "http" && parsed.Scheme != "https") {
			report("AFTERCALL_TEMPORAL_UI_URL", "must be an address such as http://localhost:8233")
		}
		c.TemporalUIURL = trimSlash(c.TemporalUIURL)
	}
	return problems
}

func (u ConnectionURL) ledgerProblem() []Problem {
	if u.Scheme() == "" {
		return nil
	}
	var problem *ledger.URLError
	if errors.As(ledger.ValidateURL(u.Reveal()), &problem) {
		return []Problem{{Key: "LEDGER_URL", Message: problem.Problem}}
	}
	return nil
}

func taskQueueProblem(name string) []Problem {
	if name != strings.TrimSpace(name) || name == "" {
		return []Problem{{Key: "AFTERCALL_TASK_QUEUE", Message: "must be a name without spaces around it"}}
	}
	return nil
}

func listenProblem(key, address string) []Problem {
	_, port, err := net.SplitHostPort(address)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err != nil {
		return []Problem{{Key: key, Message: "must be host:port or :port, as in 127.0.0.1:8080"}}
	}
	return nil
}

func rangeProblem(key string, value, least, most time.Duration) []Problem {
	if value < least || value > most {
		return []Problem{{Key: key, Message: fmt.Sprintf("must be from %s to %s", least, most)}}
	}
	return nil
}

// misspelt finds variables whose names resemble one of ours. file may be nil; a
// variable that it names is used.
func misspelt(environ map[string]string, file *Config) []Problem {
	var known []string
	for _, t := range []reflect.Type{reflect.TypeFor[StarterSettings](), reflect.TypeFor[WorkerSettings]()} {
		for _, v := range variablesOf(t) {
			known = append(known, v.name)
		}
	}
	var problems []Problem
	for _, name := range slices.Sorted(maps.Keys(environ)) {
		if !strings.HasPrefix(name, "AFTERCALL_") || slices.Contains(known, name) || (file != nil && file.variables[name]) {
			continue
		}
		if meant, ok := nearest(name, known); ok {
			problems = append(problems, Problem{Key: name, Message: fmt.Sprintf("is not read: did you mean %s?", meant)})
		}
	}
	return problems
}
