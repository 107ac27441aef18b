-- +goose Up

-- Versions of tariffs as canonical JSON, each once; hash is its SHA-256 in hex.
CREATE TABLE ledger_tariffs (
  hash    TEXT NOT NULL PRIMARY KEY CHECK (length(hash) = 64),
  edition TEXT NOT NULL
) STRICT;

CREATE TABLE ledger_entries (
  seq               INTEGER PRIMARY KEY AUTOINCREMENT,
  -- charge:<sdk_app_id>:<call_id>; see Key in key.go for corrections.
  key               TEXT    NOT NULL UNIQUE,
  kind              TEXT    NOT NULL CHECK (kind IN ('charge', 'reversal')),
  -- Counts the charges of a call: 1, and one more with each correction.
  revision          INTEGER NOT NULL CHECK (revision >= 1),
  -- The key of the charge that a reversal takes back, which it can do once.
  reverses          TEXT    UNIQUE REFERENCES ledger_entries (key),
  sdk_app_id        INTEGER NOT NULL CHECK (sdk_app_id > 0),
  app               TEXT    NOT NULL,
  call_id           TEXT    NOT NULL CHECK (call_id <> ''),
  payer             TEXT    NOT NULL,
  media_type        TEXT    NOT NULL,
  call_type         TEXT    NOT NULL,
  result            TEXT    NOT NULL,
  -- Unix seconds, as Tencent gives them; accept_time 0 is never.
  start_time        INTEGER NOT NULL,
  accept_time       INTEGER NOT NULL,
  end_time          INTEGER NOT NULL,
  connected_seconds INTEGER NOT NULL CHECK (connected_seconds >= 0),
  billed_seconds    INTEGER NOT NULL CHECK (billed_seconds >= 0),
  participants      INTEGER NOT NULL CHECK (participants >= 0),
  -- An exact decimal number as text. Never add these as floating point numbers.
  amount            TEXT    NOT NULL CHECK (amount GLOB '*[0-9]' AND amount NOT GLOB '*[^-0-9.]*'),
  currency          TEXT    NOT NULL CHECK (length(currency) = 3),
  tariff            TEXT    NOT NULL,
  tariff_from       TEXT    NOT NULL,
  tariff_hash       TEXT    NOT NULL REFERENCES ledger_tariffs (hash),
  -- JSON
  steps             TEXT    NOT NULL,
  record            TEXT    NOT NULL,
  differences       TEXT    NOT NULL,
  workflow_id       TEXT    NOT NULL,
  first_run_id      TEXT    NOT NULL,
  reason            TEXT    NOT NULL,
  operator          TEXT    NOT NULL,
  -- Unix milliseconds by the database's clock.
  created_at        INTEGER NOT NULL DEFAULT (CAST(round(unixepoch('subsec') * 1000) AS INTEGER)),
  CHECK ((kind = 'reversal') = (reverses IS NOT NULL)),
  CHECK (kind = 'reversal' OR amount NOT LIKE '-%')
) STRICT;

CREATE INDEX ledger_entries_call ON ledger_entries (sdk_app_id, call_id);
CREATE INDEX ledger_entries_end ON ledger_entries (end_time);
CREATE INDEX ledger_entries_payer ON ledger_entries (payer, end_time);

-- +goose StatementBegin
CREATE TRIGGER ledger_entries_no_update BEFORE UPDATE ON ledger_entries
BEGIN
  SELECT RAISE(ABORT, 'the ledger is append-only: book a reversal instead of changing an entry');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER ledger_entries_no_delete BEFORE DELETE ON ledger_entries
BEGIN
  SELECT RAISE(ABORT, 'the ledger is append-only: book a reversal instead of removing an entry');
END;
-- +goose StatementEnd

-- INSERT OR REPLACE removes rows without firing delete triggers. What would
-- collide is not inserted at all, as with ON CONFLICT DO NOTHING.
-- +goose StatementBegin
CREATE TRIGGER ledger_entries_no_replace BEFORE INSERT ON ledger_entries
WHEN EXISTS (SELECT 1 FROM ledger_entries WHERE key = NEW.key)
  OR EXISTS (SELECT 1 FROM ledger_entries WHERE seq = NEW.seq)
  OR EXISTS (SELECT 1 FROM ledger_entries WHERE reverses = NEW.reverses)
BEGIN
  SELECT RAISE(IGNORE);
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER ledger_tariffs_no_update BEFORE UPDATE ON ledger_tariffs
BEGIN
  SELECT RAISE(ABORT, 'the ledger is append-only: a tariff version that was charged by cannot change');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER ledger_tariffs_no_delete BEFORE DELETE ON ledger_tariffs
BEGIN
  SELECT RAISE(ABORT, 'the ledger is append-only: a tariff version that was charged by cannot go');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER ledger_tariffs_no_replace BEFORE INSERT ON ledger_tariffs
WHEN EXISTS (SELECT 1 FROM ledger_tariffs WHERE hash = NEW.hash)
BEGIN
  SELECT RAISE(IGNORE);
END;
-- +goose StatementEnd
