-- +goose Up

-- How far the reconciliation sweep of each app has read Tencent's records: all
-- calls up to here, in Unix seconds, were listed. It is progress, not
-- bookkeeping, so it may change.
CREATE TABLE ledger_sweeps (
  sdk_app_id BIGINT NOT NULL PRIMARY KEY CHECK (sdk_app_id > 0),
  swept_to   BIGINT NOT NULL
);

