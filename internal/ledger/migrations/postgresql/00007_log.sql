-- +goose Up

-- The log: a Merkle tree over all entries in the order in which the worker took
-- them in. A row is one batch of entries.
CREATE TABLE ledger_log (
  -- The index in the log of the first entry of the batch, from 0.
  first_index   bigint NOT NULL PRIMARY KEY CHECK (first_index >= 0),
  -- The number of entries in the log with this batch.
  size          bigint NOT NULL CHECK (size > first_index),
  -- All entries up to this seq are in earlier batches.
  low           bigint NOT NULL,
  -- The highest seq in this batch and the earlier ones.
  high          bigint NOT NULL CHECK (high > low),
  -- The seq of each entry, 8 bytes each, the most significant first.
  seqs          bytea  NOT NULL CHECK (length(seqs) = 8 * (size - first_index)),
  -- For each entry the hash of its leaf and of the nodes of the tree that it completes.
  nodes         bytea  NOT NULL CHECK (length(nodes) >= 32 * (size - first_index)),
  -- The roots of the complete subtrees with this batch, the largest first.
  frontier      bytea  NOT NULL CHECK (length(frontier) >= 32),
  -- Unix milliseconds by the database's clock.
  integrated_at bigint NOT NULL DEFAULT (round(extract(epoch FROM clock_timestamp()) * 1000)::bigint)
);

CREATE INDEX ledger_log_high ON ledger_log (high, first_index);

-- Checkpoints of the log: its size and root at a time, signed if there is a key.
CREATE TABLE ledger_checkpoints (
  id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  size bigint NOT NULL CHECK (size >= 0),
  note text   NOT NULL,
  -- Unix milliseconds by the database's clock, as in the note.
  time bigint NOT NULL
);

CREATE INDEX ledger_checkpoints_size ON ledger_checkpoints (size);

CREATE TRIGGER ledger_log_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_log
  FOR EACH STATEMENT EXECUTE FUNCTION ledger_append_only();

CREATE TRIGGER ledger_checkpoints_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_checkpoints
  FOR EACH STATEMENT EXECUTE FUNCTION ledger_append_only();

-- A release of before reads and writes entries as ever; its workers do not keep the log.
INSERT INTO ledger_versions (version, oldest) VALUES (7, 6);
