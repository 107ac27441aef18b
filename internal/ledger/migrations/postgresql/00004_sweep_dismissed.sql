-- +goose Up

-- An operator has said that what is held back is not tried any more. It stays, so
-- that a sweep that finds it again in Tencent's list leaves it alone.
-- dismissed_at is in Unix milliseconds by the database's clock, and NULL while it is tried.
ALTER TABLE ledger_sweep_held ADD COLUMN dismissed_at BIGINT;
ALTER TABLE ledger_sweep_held ADD COLUMN dismissed_by TEXT NOT NULL DEFAULT '';
ALTER TABLE ledger_sweep_held ADD COLUMN dismissed_reason TEXT NOT NULL DEFAULT '';
