-- +goose Up

-- What was seen of a call, as JSON, if its charge was made from that; empty otherwise.
ALTER TABLE ledger_entries ADD COLUMN evidence text NOT NULL DEFAULT '';

-- A release of before charges as ever. It refuses tariffs that need evidence.
INSERT INTO ledger_versions (version, oldest) VALUES (12, 11);
