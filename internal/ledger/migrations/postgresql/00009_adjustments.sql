-- +goose NO TRANSACTION
-- +goose Up

-- An adjustment is a credit or a surcharge: an amount of either sign. All rows that are
-- there satisfy the new constraints, so they are read without keeping writers waiting.
ALTER TABLE ledger_entries
  DROP CONSTRAINT IF EXISTS ledger_entries_kind_check,
  ADD CONSTRAINT ledger_entries_kind_check CHECK (kind IN ('charge', 'reversal', 'adjustment')) NOT VALID,
  DROP CONSTRAINT IF EXISTS ledger_entries_check1,
  ADD CONSTRAINT ledger_entries_check1 CHECK (kind <> 'charge' OR amount NOT LIKE '-%') NOT VALID;
ALTER TABLE ledger_entries VALIDATE CONSTRAINT ledger_entries_kind_check;
ALTER TABLE ledger_entries VALIDATE CONSTRAINT ledger_entries_check1;

-- A release of before charges as ever. It does not know adjustments: it shows them and
-- adds them up, but its corrections of an adjusted call leave the adjustments as they
-- are. verify of this release finds that, and its reverse --adjustment cures it.
INSERT INTO ledger_versions (version, oldest) VALUES (9, 8) ON CONFLICT DO NOTHING;
