-- +goose Up

-- What the sweep of an app found in Tencent's list and could not start: a call
-- that no workflow can be started for, or a row that cannot be read. It is work
-- to do, not bookkeeping, so it may change.
CREATE TABLE ledger_sweep_held (
  sdk_app_id      INTEGER NOT NULL CHECK (sdk_app_id > 0),
  -- The SHA-256 in hex of the CallId or, of a row without a usable one, of the row.
  key             TEXT   NOT NULL CHECK (length(key) = 64),
  -- As Tencent wrote it, capped; empty if the row has none that can be read.
  call_id         TEXT   NOT NULL,
  reason          TEXT   NOT NULL,
  -- The JSON of the record or of the unreadable row, capped.
  item            TEXT   NOT NULL,
  attempts        INTEGER NOT NULL CHECK (attempts >= 1),
  -- Unix milliseconds by the database's clock.
  since           INTEGER NOT NULL,
  last_attempt_at INTEGER NOT NULL,
  next_attempt_at INTEGER NOT NULL,
  PRIMARY KEY (sdk_app_id, key)
) STRICT;

CREATE INDEX ledger_sweep_held_next ON ledger_sweep_held (sdk_app_id, next_attempt_at);
