package costs

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	_ "github.com/jackc/pgx/v5/stdlib" // the database/sql driver pgx
	"github.com/redis/go-redis/v9"
	_ "modernc.org/sqlite" // the database/sql driver sqlite

	"aftercall/dev/local"
	"aftercall/internal/testenv/programs"
)

// stores are connections to everything that stores something of a call.
type stores struct {
	// temporal and visibility are the same database in SQLite.
	temporal, visibility, ledger *sql.DB
	redis                        *redis.Client
	postgres                     bool
}

// counts are what the stores hold, and how often they were asked.
type counts struct {
	visibilityRows, visibilityWrites, visibilityIndexes int64
	temporalBytes, visibilityBytes, ledgerBytes         int64
	temporalCommits, ledgerCommits                      int64
	redisCommands                                       int64
}

func openStores(ctx context.Context, stack *local.Stack, ports local.Ports, t local.Topology) (s stores, err error) {
	s.postgres = t.Postgres
	for _, store := range []struct {
		db               **sql.DB
		database, sqlite string
	}{
		{&s.temporal, "temporal", filepath.Join(stack.Dir(), "temporal.db")},
		{&s.visibility, "temporal_visibility", filepath.Join(stack.Dir(), "temporal.db")},
		{&s.ledger, local.LedgerDatabase, stack.LedgerPath()},
	} {
		driver, source := "sqlite", "file:"+store.sqlite+"?mode=ro&_pragma=busy_timeout(10000)"
		if t.Postgres {
			driver, source = "pgx", programs.PostgresURL(ports.Postgres, store.database)
		}
		if *store.db, err = sql.Open(driver, source); err != nil {
			return s, errors.Join(err, s.close())
		}
	}
	s.redis = redis.NewClient(&redis.Options{Addr: "127.0.0.1:" + strconv.Itoa(ports.Redis)})
	return s, s.redis.Ping(ctx).Err()
}

func (s stores) close() error {
	var errs []error
	for _, db := range []*sql.DB{s.temporal, s.visibility, s.ledger} {
		if db != nil {
			errs = append(errs, db.Close())
		}
	}
	if s.redis != nil {
		errs = append(errs, s.redis.Close())
	}
	return errors.Join(errs...)
}

// query is one figure of a database.
type query struct {
	to  *int64
	db  *sql.DB
	sql string
}

const visibilityTable = "executions_visibility"

// sqliteBytes are those of the pages of tables and their indexes.
const sqliteBytes = `SELECT coalesce(sum(pgsize), 0) FROM dbstat WHERE name IN (SELECT name FROM sqlite_schema WHERE tbl_name %s '` + visibilityTable + `%%')`

func (s stores) queries(c *counts) []query {
	if !s.postgres {
		// SQLite counts no writes. Its full-text tables are a part of the list of workflows.
		return []query{
			{&c.visibilityRows, s.visibility, "SELECT count(*) FROM " + visibilityTable},
			{&c.visibilityIndexes, s.visibility, "SELECT count(*) FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL AND tbl_name = '" + visibilityTable + "'"},
			{&c.temporalBytes, s.temporal, fmt.Sprintf(sqliteBytes, "NOT LIKE")},
			{&c.visibilityBytes, s.visibility, fmt.Sprintf(sqliteBytes, "LIKE")},
			{&c.ledgerBytes, s.ledger, "SELECT sum(pgsize) FROM dbstat"},
		}
	}
	const size, commits = "SELECT pg_database_size(current_database())", "SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()"
	return []query{
		{&c.visibilityRows, s.visibility, "SELECT count(*) FROM " + visibilityTable},
		{&c.visibilityWrites, s.visibility, "SELECT n_tup_ins + n_tup_upd FROM pg_stat_user_tables WHERE relname = '" + visibilityTable + "'"},
		{&c.visibilityIndexes, s.visibility, "SELECT count(*) FROM pg_indexes WHERE tablename = '" + visibilityTable + "'"},
		{&c.temporalBytes, s.temporal, size},
		{&c.visibilityBytes, s.visibility, size},
		{&c.ledgerBytes, s.ledger, size},
		{&c.temporalCommits, s.temporal, commits},
		{&c.ledgerCommits, s.ledger, commits},
	}
}

// count reads all figures. PostgreSQL adds pages to a table in advance, many at a time;
// without them the size of the ledger, to which calls only add, is exact.
func (s stores) count(ctx context.Context) (c counts, err error) {
	if s.postgres {
		if _, err := s.ledger.ExecContext(ctx, "VACUUM FULL"); err != nil {
			return c, err
		}
	}
	for _, q := range s.queries(&c) {
		if err := q.db.QueryRowContext(ctx, q.sql).Scan(q.to); err != nil {
			return c, fmt.Errorf("%s: %w", q.sql, err)
		}
	}
	info, err := s.redis.InfoMap(ctx, "stats").Result()
	if err != nil {
		return c, err
	}
	c.redisCommands, err = strconv.ParseInt(strings.TrimSpace(info["Stats"]["total_commands_processed"]), 10, 64)
	return c, err
}

// sub returns what came since earlier counts.
func (c counts) sub(before counts) counts {
	c.visibilityRows -= before.visibilityRows
	c.visibilityWrites -= before.visibilityWrites
	c.temporalBytes -= before.temporalBytes
	c.visibilityBytes -= before.visibilityBytes
	c.ledgerBytes -= before.ledgerBytes
	c.temporalCommits -= before.temporalCommits
	c.ledgerCommits -= before.ledgerCommits
	c.redisCommands -= before.redisCommands
	return c
}

// into writes what calls have added.
func (c counts) into(m *Measurement, calls int64) {
	perThousand := func(n int64) int64 { return n * 1000 / calls }
	m.Storage = Storage{
		RedisBytes:     m.Storage.RedisBytes,
		VisibilityRows: perThousand(c.visibilityRows), VisibilityWrites: perThousand(c.visibilityWrites), VisibilityIndexes: c.visibilityIndexes,
		TemporalBytes: c.temporalBytes / calls, VisibilityBytes: c.visibilityBytes / calls, LedgerBytes: c.ledgerBytes / calls,
	}
	m.Requests.RedisCommands = perThousand(c.redisCommands)
	m.Requests.TemporalCommits, m.Requests.LedgerCommits = perThousand(c.temporalCommits), perThousand(c.ledgerCommits)
}
