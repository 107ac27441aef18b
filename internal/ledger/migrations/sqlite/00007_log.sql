-- +goose Up

-- The log: a Merkle tree over all entries in the order in which the worker took
-- them in. A row is one batch of entries.
CREATE TABLE ledger_log (
  -- The index in the log of the first entry of the batch, from 0.
  first_index   INTEGER NOT NULL PRIMARY KEY CHECK (first_index >= 0),
  -- The number of entries in the log with this batch.
  size          INTEGER NOT NULL CHECK (size > first_index),
  -- All entries up to this seq are in earlier batches.
  low           INTEGER NOT NULL,
  -- The highest seq in this batch and the earlier ones.
  high          INTEGER NOT NULL CHECK (high > low),
  -- The seq of each entry, 8 bytes each, the most significant first.
  seqs          BLOB    NOT NULL CHECK (length(seqs) = 8 * (size - first_index)),
  -- For each entry the hash of its leaf and of the nodes of the tree that it completes.
  nodes         BLOB    NOT NULL CHECK (length(nodes) >= 32 * (size - first_index)),
  -- The roots of the complete subtrees with this batch, the largest first.
  frontier      BLOB    NOT NULL CHECK (length(frontier) >= 32),
  -- Unix milliseconds by the database's clock.
  integrated_at INTEGER NOT NULL DEFAULT (CAST(round(unixepoch('subsec') * 1000) AS INTEGER))
) STRICT;

CREATE INDEX ledger_log_high ON ledger_log (high, first_index);

-- Checkpoints of the log: its size and root at a time, signed if there is a key.
CREATE TABLE ledger_checkpoints (
  id   INTEGER PRIMARY KEY AUTOINCREMENT,
  size INTEGER NOT NULL CHECK (size >= 0),
  note TEXT    NOT NULL,
  -- Unix milliseconds by the database's clock, as in the note.
  time INTEGER NOT NULL
) STRICT;

CREATE INDEX ledger_checkpoints_size ON ledger_checkpoints (size);

-- +goose StatementBegin
CREATE TRIGGER ledger_log_no_update BEFORE UPDATE ON ledger_log
BEGIN
  SELECT RAISE(ABORT, 'the ledger is append-only: its log cannot change');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER ledger_log_no_delete BEFORE DELETE ON ledger_log
BEGIN
  SELECT RAISE(ABORT, 'the ledger is append-only: its log cannot go');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER ledger_log_no_replace BEFORE INSERT ON ledger_log
WHEN EXISTS (SELECT 1 FROM ledger_log WHERE first_index = NEW.first_index)
BEGIN
  SELECT RAISE(IGNORE);
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER ledger_checkpoints_no_update BEFORE UPDATE ON ledger_checkpoints
BEGIN
  SELECT RAISE(ABORT, 'the ledger is append-only: a checkpoint cannot change');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER ledger_checkpoints_no_delete BEFORE DELETE ON ledger_checkpoints
BEGIN
  SELECT RAISE(ABORT, 'the ledger is append-only: a checkpoint cannot go');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER ledger_checkpoints_no_replace BEFORE INSERT ON ledger_checkpoints
WHEN EXISTS (SELECT 1 FROM ledger_checkpoints WHERE id = NEW.id)
BEGIN
  SELECT RAISE(IGNORE);
END;
-- +goose StatementEnd

-- A release of before reads and writes entries as ever; its workers do not keep the log.
INSERT INTO ledger_versions (version, oldest) VALUES (7, 6);
