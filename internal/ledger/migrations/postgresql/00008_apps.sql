-- +goose Up

-- When a worker first ran each app with this ledger, in Unix milliseconds by the
-- database's clock: without go_live, its sweeps charge no call that ended before.
-- 0, which is no limit, is for apps that were in use before this was recorded.
CREATE TABLE ledger_apps (
  sdk_app_id  BIGINT NOT NULL PRIMARY KEY CHECK (sdk_app_id > 0),
  first_start BIGINT NOT NULL
);

INSERT INTO ledger_apps (sdk_app_id, first_start)
SELECT sdk_app_id, 0 FROM ledger_sweeps UNION SELECT sdk_app_id, 0 FROM ledger_entries;

INSERT INTO ledger_versions (version, oldest) VALUES (8, 7);
