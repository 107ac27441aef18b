package harness

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the database/sql driver pgx
	"github.com/redis/go-redis/v9"
	"go.temporal.io/sdk/client"

	"aftercall/dev/local"
	"aftercall/internal/config"
	"aftercall/internal/freeport"
	"aftercall/internal/testenv/programs"
)

// Durability describes the durability settings of the servers, as printed with
// the figures.
const Durability = "PostgreSQL: fsync=on, synchronous_commit=on. Redis: appendonly yes, appendfsync everysec. " +
	"Temporal: one server with a SQLite file, journal_mode=WAL, synchronous=NORMAL, wal_autocheckpoint=8000, numHistoryShards=1; for aftercall a slim list of workflows and GOGC=400, for the timer form both as the server comes."

// Servers are the database servers that all contestants use, each with its own data.
type Servers struct {
	dir       string
	postgres  *process
	redis     *process
	redisPort int
	pgPort    int
	databases int
}

// StartServers starts PostgreSQL and Redis on data in dir. The error is a
// *programs.MissingError where this machine lacks one of them.
func StartServers(ctx context.Context, dir string) (*Servers, error) {
	ports, err := freeport.Find(2)
	if err != nil {
		return nil, err
	}
	s := &Servers{dir: dir, redisPort: ports[0], pgPort: ports[1]}
	if err := errors.Join(s.startRedis(ctx), s.startPostgres(ctx)); err != nil {
		return nil, errors.Join(err, s.Stop())
	}
	return s, nil
}

func (s *Servers) startRedis(ctx context.Context) error {
	server, err := programs.Redis(filepath.Join(s.dir, "redis"), s.redisPort, "everysec")
	if err != nil {
		return err
	}
	if s.redis, err = startServer("redis", server, s.dir); err != nil {
		return err
	}
	return await(ctx, s.redis, func(ctx context.Context) error { return programs.PingRedis(ctx, s.RedisURL()) })
}

func (s *Servers) startPostgres(ctx context.Context) error {
	server, err := programs.Postgres(filepath.Join(s.dir, "postgres"), s.pgPort, "max_connections=300")
	if err != nil {
		return err
	}
	if s.postgres, err = startServer("postgres", server, s.dir); err != nil {
		return err
	}
	db, err := sql.Open("pgx", s.adminURL())
	if err != nil {
		return err
	}
	defer db.Close()
	return await(ctx, s.postgres, db.PingContext)
}

func startServer(name string, s programs.Server, logs string) (*process, error) {
	return start(command{name: name, path: s.Path, args: s.Args, dir: s.Dir, as: s.User}, logs)
}

// RedisURL returns the URL of Redis.
func (s *Servers) RedisURL() string { return programs.RedisURL(s.redisPort) }

// FlushRedis deletes all keys in Redis.
func (s *Servers) FlushRedis(ctx context.Context) error {
	c := redis.NewClient(&redis.Options{Addr: address(s.redisPort)})
	defer c.Close()
	return c.FlushAll(ctx).Err()
}

// Postgres is the path of the server's program.
func (s *Servers) Postgres() string { return s.postgres.cmd.Path }

func (s *Servers) adminURL() string { return programs.PostgresURL(s.pgPort, "postgres") }

// NewDatabase creates an empty database and returns its URL.
func (s *Servers) NewDatabase(ctx context.Context, purpose string) (string, error) {
	db, err := sql.Open("pgx", s.adminURL())
	if err != nil {
		return "", err
	}
	defer db.Close()
	s.databases++
	name := fmt.Sprintf("%s_%d", purpose, s.databases)
	_, err = db.ExecContext(ctx, "CREATE DATABASE "+name)
	return programs.PostgresURL(s.pgPort, name), err
}

// dropDatabases drops databases that may exist.
func (s *Servers) dropDatabases(ctx context.Context, names ...string) error {
	db, err := sql.Open("pgx", s.adminURL())
	if err != nil {
		return err
	}
	defer db.Close()
	for _, name := range names {
		if _, err := db.ExecContext(ctx, "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)"); err != nil {
			return fmt.Errorf("drop database %s: %w", name, err)
		}
	}
	return nil
}

// Stop stops both servers.
func (s *Servers) Stop() error {
	var errs []error
	if s.postgres != nil {
		errs = append(errs, s.postgres.stop(syscall.SIGINT)) // fast shutdown
	}
	if s.redis != nil {
		errs = append(errs, s.redis.stop(syscall.SIGTERM))
	}
	return errors.Join(errs...)
}

// startTemporal starts a server on a new database file, with the settings of
// the local stack.
func (d *deployment) startTemporal(ctx context.Context) error {
	ports, err := freeport.Find(1)
	if err != nil {
		return err
	}
	var environ map[string]string
	if !d.contestant.StockServer {
		environ = config.Environ(append(os.Environ(), local.ServerEnviron()...))
	}
	p, err := start(command{name: "temporal", path: d.bench.Temporal, environ: environ, args: append([]string{
		"server", "start-dev", "--headless", "--ip", host, "--port", strconv.Itoa(ports[0]),
		"--db-filename", d.temporalFile(), "--log-level", "warn",
	}, local.ServerArguments()...)}, d.dir)
	if err != nil {
		return err
	}
	d.temporal, d.address = []*process{p}, address(ports[0])
	return d.awaitTemporal(ctx, p, func(ctx context.Context, c client.Client) error {
		if d.contestant.StockServer {
			return nil
		}
		_, err := local.SlimList(ctx, c, client.DefaultNamespace, d.temporalFile())
		return err
	})
}

// awaitTemporal waits until the server answers and prepare succeeds.
func (d *deployment) awaitTemporal(ctx context.Context, p *process, prepare func(context.Context, client.Client) error) error {
	return await(ctx, p, func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
		defer cancel()
		c, err := client.DialContext(ctx, client.Options{HostPort: d.address, Logger: discardLogger{}})
		if err != nil {
			return err
		}
		defer c.Close()
		return prepare(ctx, c)
	})
}

// temporalFile is the database file of the Temporal server.
func (d *deployment) temporalFile() string { return filepath.Join(d.dir, "temporal.db") }

// discardLogger is a Temporal logger that discards everything.
type discardLogger struct{}

func (discardLogger) Debug(string, ...any) {}
func (discardLogger) Info(string, ...any)  {}
func (discardLogger) Warn(string, ...any)  {}
func (discardLogger) Error(string, ...any) {}
