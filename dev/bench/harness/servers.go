package harness

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the database/sql driver pgx
	"github.com/redis/go-redis/v9"
	"go.temporal.io/sdk/client"

	"aftercall/dev/local"
	"aftercall/internal/freeport"
)

// Durability is what the servers promise to keep, as printed with the figures.
const Durability = "PostgreSQL: fsync=on, synchronous_commit=on. Redis: appendonly yes, appendfsync everysec. " +
	"Temporal: one server with a SQLite file, journal_mode=WAL, synchronous=NORMAL, wal_autocheckpoint=8000, numHistoryShards=1."

// Servers are the databases that all contestants share, each with data of its own.
type Servers struct {
	dir       string
	postgres  *process
	redis     *process
	adminURL  string
	redisPort int
	pgPort    int
	databases int
	bin       string // of PostgreSQL
}

// MissingError says which server to install.
type MissingError struct{ Server, Package string }

// Error names the cure.
func (e *MissingError) Error() string {
	return fmt.Sprintf("the benchmark needs %s, which is not on this machine: apt-get install %s", e.Server, e.Package)
}

// StartServers starts PostgreSQL and Redis on data in dir.
func StartServers(ctx context.Context, dir string) (*Servers, error) {
	redisServer, err := exec.LookPath("redis-server")
	if err != nil {
		return nil, &MissingError{"redis-server", "redis-server"}
	}
	bin, err := postgresBinaries()
	if err != nil {
		return nil, err
	}
	ports, err := freeport.Find(2)
	if err != nil {
		return nil, err
	}
	s := &Servers{dir: dir, redisPort: ports[0], pgPort: ports[1], bin: bin}
	if err := errors.Join(s.startRedis(ctx, redisServer), s.startPostgres(ctx, bin)); err != nil {
		return nil, errors.Join(err, s.Stop())
	}
	return s, nil
}

func (s *Servers) startRedis(ctx context.Context, bin string) (err error) {
	data := filepath.Join(s.dir, "redis")
	if err := os.MkdirAll(data, 0o700); err != nil {
		return err
	}
	s.redis, err = start(command{name: "redis", path: bin, args: []string{
		"--port", strconv.Itoa(s.redisPort), "--bind", host, "--dir", data,
		"--appendonly", "yes", "--appendfsync", "everysec", "--save", "", "--loglevel", "warning",
	}}, s.dir)
	if err != nil {
		return err
	}
	c := redis.NewClient(&redis.Options{Addr: address(s.redisPort)})
	defer c.Close()
	return await(ctx, s.redis, func(ctx context.Context) error { return c.Ping(ctx).Err() })
}

// RedisURL is where Redis is.
func (s *Servers) RedisURL() string { return "redis://" + address(s.redisPort) + "/0" }

// FlushRedis empties Redis.
func (s *Servers) FlushRedis(ctx context.Context) error {
	c := redis.NewClient(&redis.Options{Addr: address(s.redisPort)})
	defer c.Close()
	return c.FlushAll(ctx).Err()
}

// postgresBinaries finds the folder of initdb and postgres: that of PATH, or
// the newest of those where Debian keeps them.
func postgresBinaries() (string, error) {
	if initdb, err := exec.LookPath("initdb"); err == nil {
		return filepath.Dir(initdb), nil
	}
	best, folder := 0, ""
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	for _, initdb := range found {
		bin := filepath.Dir(initdb)
		if version, err := strconv.Atoi(filepath.Base(filepath.Dir(bin))); err == nil && version > best {
			best, folder = version, bin
		}
	}
	if folder == "" {
		return "", &MissingError{"PostgreSQL", "postgresql"}
	}
	return folder, nil
}

// somebody is who PostgreSQL runs as where this process is root's, as whom it
// refuses to run.
func somebody() (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		if u, err = user.Lookup("nobody"); err != nil {
			return nil, err
		}
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, err
}

func (s *Servers) startPostgres(ctx context.Context, bin string) error {
	as, err := somebody()
	if err != nil {
		return err
	}
	folder := filepath.Join(s.dir, "postgres")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	if as != nil {
		if err := os.Chown(folder, int(as.Uid), int(as.Gid)); err != nil {
			return err
		}
	}
	data := filepath.Join(folder, "data")
	initdb := exec.CommandContext(ctx, filepath.Join(bin, "initdb"), "-D", data, "-U", "bench", "-A", "trust", "-E", "UTF8", "--locale=C")
	initdb.Dir, initdb.SysProcAttr = folder, ownGroup(as)
	if out, err := initdb.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w\n%s", err, out)
	}
	s.postgres, err = start(command{
		name: "postgres", path: filepath.Join(bin, "postgres"), dir: folder, as: as,
		args: []string{
			"-D", data, "-c", "listen_addresses=" + host, "-c", "port=" + strconv.Itoa(s.pgPort),
			"-c", "unix_socket_directories=", "-c", "max_connections=300",
		},
	}, s.dir)
	if err != nil {
		return err
	}
	s.adminURL = s.databaseURL("postgres")
	db, err := sql.Open("pgx", s.adminURL)
	if err != nil {
		return err
	}
	defer db.Close()
	return await(ctx, s.postgres, db.PingContext)
}

// Postgres is the server's program.
func (s *Servers) Postgres() string { return filepath.Join(s.bin, "postgres") }

func (s *Servers) databaseURL(name string) string {
	return fmt.Sprintf("postgres://bench@%s/%s?sslmode=disable", address(s.pgPort), name)
}

// NewDatabase makes an empty database and returns its URL.
func (s *Servers) NewDatabase(ctx context.Context, purpose string) (string, error) {
	db, err := sql.Open("pgx", s.adminURL)
	if err != nil {
		return "", err
	}
	defer db.Close()
	s.databases++
	name := fmt.Sprintf("%s_%d", purpose, s.databases)
	_, err = db.ExecContext(ctx, "CREATE DATABASE "+name)
	return s.databaseURL(name), err
}

// Stop stops both.
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
// the project's own stack.
func startTemporal(ctx context.Context, path, dir, logs string) (*process, string, error) {
	ports, err := freeport.Find(1)
	if err != nil {
		return nil, "", err
	}
	p, err := start(command{name: "temporal", path: path, args: append([]string{
		"server", "start-dev", "--headless", "--ip", host, "--port", strconv.Itoa(ports[0]),
		"--db-filename", filepath.Join(dir, "temporal.db"), "--log-level", "warn",
	}, local.ServerArguments()...)}, logs)
	if err != nil {
		return nil, "", err
	}
	err = await(ctx, p, func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
		defer cancel()
		c, err := client.DialContext(ctx, client.Options{HostPort: address(ports[0]), Logger: discard{}})
		if err != nil {
			return err
		}
		c.Close()
		return nil
	})
	if err != nil {
		return nil, "", errors.Join(err, p.kill())
	}
	return p, address(ports[0]), nil
}

// discard is a Temporal logger for nobody.
type discard struct{}

func (discard) Debug(string, ...any) {}
func (discard) Info(string, ...any)  {}
func (discard) Warn(string, ...any)  {}
func (discard) Error(string, ...any) {}
