-- +goose Up

-- The tariff versions by which calls were charged, under each name, and the first entry
-- by each: a worker that starts compares its configuration with them. A trigger keeps
-- the table, so that it is complete although releases of before do not know it.
CREATE TABLE ledger_tariff_uses (
  tariff      text NOT NULL,
  tariff_hash text NOT NULL,
  first_key   text NOT NULL,
  PRIMARY KEY (tariff, tariff_hash)
);

-- +goose StatementBegin
CREATE FUNCTION ledger_tariff_use() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NOT EXISTS (SELECT 1 FROM ledger_tariff_uses WHERE tariff = NEW.tariff AND tariff_hash = NEW.tariff_hash) THEN
    INSERT INTO ledger_tariff_uses (tariff, tariff_hash, first_key) VALUES (NEW.tariff, NEW.tariff_hash, NEW.key) ON CONFLICT DO NOTHING;
  END IF;
  RETURN NULL;
END;
$$;
-- +goose StatementEnd

-- This waits for those who insert entries and keeps out others until the end, so that
-- every entry is found by the trigger or by the statement that follows.
CREATE TRIGGER ledger_entries_tariff_use AFTER INSERT ON ledger_entries
  FOR EACH ROW EXECUTE FUNCTION ledger_tariff_use();

INSERT INTO ledger_tariff_uses (tariff, tariff_hash, first_key)
SELECT e.tariff, e.tariff_hash, e.key FROM ledger_entries e
JOIN (SELECT MIN(seq) AS seq FROM ledger_entries GROUP BY tariff, tariff_hash) f ON f.seq = e.seq;

CREATE TRIGGER ledger_tariff_uses_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_tariff_uses
  FOR EACH STATEMENT EXECUTE FUNCTION ledger_append_only();

INSERT INTO ledger_versions (version, oldest) VALUES (10, 9);
