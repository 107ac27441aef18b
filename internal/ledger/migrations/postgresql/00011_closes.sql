-- +goose Up

-- Months that were closed: their reports are as of a checkpoint. Its note says
-- which calls belong to the month, and who closed it.
CREATE TABLE ledger_closes (
  month      text   NOT NULL PRIMARY KEY CHECK (month ~ '^[0-9]{4}-[01][0-9]$'),
  checkpoint bigint NOT NULL UNIQUE REFERENCES ledger_checkpoints (id)
);

CREATE TRIGGER ledger_closes_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_closes
  FOR EACH STATEMENT EXECUTE FUNCTION ledger_append_only();

-- A release of before reads and writes entries as ever, and closes no month.
INSERT INTO ledger_versions (version, oldest) VALUES (11, 10);
