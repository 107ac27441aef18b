-- +goose Up

-- What each migration from this one on demands of the releases that use the
-- tables. A release knows the migrations up to its own version; it works with later
-- ones whose oldest is not above that. Every later migration inserts its row here:
-- its oldest is the version before it if an earlier release can go on reading and
-- writing (a new table, a column with a default), else its own version.
CREATE TABLE ledger_versions (
  version BIGINT NOT NULL PRIMARY KEY,
  oldest  BIGINT NOT NULL CHECK (oldest <= version)
);

INSERT INTO ledger_versions (version, oldest) VALUES (6, 6);
