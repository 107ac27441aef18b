-- +goose Up

-- The tariff versions by which calls were charged, under each name, and the first entry
-- by each: a worker that starts compares its configuration with them. A trigger keeps
-- the table, so that it is complete although releases of before do not know it.
CREATE TABLE ledger_tariff_uses (
  tariff      TEXT NOT NULL,
  tariff_hash TEXT NOT NULL,
  first_key   TEXT NOT NULL,
  PRIMARY KEY (tariff, tariff_hash)
) STRICT;

-- +goose StatementBegin
CREATE TRIGGER ledger_entries_tariff_use AFTER INSERT ON ledger_entries
WHEN NOT EXISTS (SELECT 1 FROM ledger_tariff_uses WHERE tariff = NEW.tariff AND tariff_hash = NEW.tariff_hash)
BEGIN
  INSERT INTO ledger_tariff_uses (tariff, tariff_hash, first_key) VALUES (NEW.tariff, NEW.tariff_hash, NEW.key);
END;
-- +goose StatementEnd

INSERT INTO ledger_tariff_uses (tariff, tariff_hash, first_key)
SELECT e.tariff, e.tariff_hash, e.key FROM ledger_entries e
JOIN (SELECT MIN(seq) AS seq FROM ledger_entries GROUP BY tariff, tariff_hash) f ON f.seq = e.seq;

-- +goose StatementBegin
CREATE TRIGGER ledger_tariff_uses_no_update BEFORE UPDATE ON ledger_tariff_uses
BEGIN
  SELECT RAISE(ABORT, 'the ledger is append-only: what was charged by cannot change');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER ledger_tariff_uses_no_delete BEFORE DELETE ON ledger_tariff_uses
BEGIN
  SELECT RAISE(ABORT, 'the ledger is append-only: what was charged by cannot go');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER ledger_tariff_uses_no_replace BEFORE INSERT ON ledger_tariff_uses
WHEN EXISTS (SELECT 1 FROM ledger_tariff_uses WHERE tariff = NEW.tariff AND tariff_hash = NEW.tariff_hash)
BEGIN
  SELECT RAISE(IGNORE);
END;
-- +goose StatementEnd

INSERT INTO ledger_versions (version, oldest) VALUES (10, 9);
