-- +goose Up

-- The index of calls begins with the CallId: one call is also looked up without
-- its app, and one with its app as well as before.
DROP INDEX ledger_entries_call;
CREATE INDEX ledger_entries_call ON ledger_entries (call_id, sdk_app_id);
