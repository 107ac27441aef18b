-- +goose Up

-- Months that were closed: their reports are as of a checkpoint. Its note says
-- which calls belong to the month, and who closed it.
CREATE TABLE ledger_closes (
  month      TEXT    NOT NULL PRIMARY KEY CHECK (month GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]'),
  checkpoint INTEGER NOT NULL UNIQUE REFERENCES ledger_checkpoints (id)
) STRICT;

-- +goose StatementBegin
CREATE TRIGGER ledger_closes_no_update BEFORE UPDATE ON ledger_closes
BEGIN
  SELECT RAISE(ABORT, 'the ledger is append-only: the close of a month cannot change');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER ledger_closes_no_delete BEFORE DELETE ON ledger_closes
BEGIN
  SELECT RAISE(ABORT, 'the ledger is append-only: the close of a month cannot go');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER ledger_closes_no_replace BEFORE INSERT ON ledger_closes
WHEN EXISTS (SELECT 1 FROM ledger_closes WHERE month = NEW.month OR checkpoint = NEW.checkpoint)
BEGIN
  SELECT RAISE(IGNORE);
END;
-- +goose StatementEnd

-- A release of before reads and writes entries as ever, and closes no month.
INSERT INTO ledger_versions (version, oldest) VALUES (11, 10);
