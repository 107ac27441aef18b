-- +goose Up

-- Versions of tariffs as canonical JSON, each once; hash is its SHA-256 in hex.
CREATE TABLE ledger_tariffs (
  hash    text NOT NULL PRIMARY KEY CHECK (length(hash) = 64),
  edition text NOT NULL
);

CREATE TABLE ledger_entries (
  seq               bigint  GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  -- charge:<sdk_app_id>:<call_id>; see Key in key.go for corrections.
  key               text    NOT NULL UNIQUE,
  kind              text    NOT NULL CHECK (kind IN ('charge', 'reversal')),
  -- Counts the charges of a call: 1, and one more with each correction.
  revision          bigint  NOT NULL CHECK (revision >= 1),
  -- The key of the charge that a reversal takes back, which it can do once.
  reverses          text    UNIQUE REFERENCES ledger_entries (key),
  sdk_app_id        bigint  NOT NULL CHECK (sdk_app_id > 0),
  app               text    NOT NULL,
  call_id           text    NOT NULL CHECK (call_id <> ''),
  payer             text    NOT NULL,
  media_type        text    NOT NULL,
  call_type         text    NOT NULL,
  result            text    NOT NULL,
  -- Unix seconds, as Tencent gives them; accept_time 0 is never.
  start_time        bigint  NOT NULL,
  accept_time       bigint  NOT NULL,
  end_time          bigint  NOT NULL,
  connected_seconds bigint  NOT NULL CHECK (connected_seconds >= 0),
  billed_seconds    bigint  NOT NULL CHECK (billed_seconds >= 0),
  participants      bigint  NOT NULL CHECK (participants >= 0),
  -- An exact decimal number as text: cast to numeric to add.
  amount            text    NOT NULL CHECK (amount ~ '^-?[0-9]+(\.[0-9]+)?$'),
  currency          text    NOT NULL CHECK (length(currency) = 3),
  tariff            text    NOT NULL,
  tariff_from       text    NOT NULL,
  tariff_hash       text    NOT NULL REFERENCES ledger_tariffs (hash),
  -- JSON, as text so that it stays as it was, byte for byte.
  steps             text    NOT NULL,
  record            text    NOT NULL,
  differences       text    NOT NULL,
  workflow_id       text    NOT NULL,
  first_run_id      text    NOT NULL,
  reason            text    NOT NULL,
  operator          text    NOT NULL,
  -- Unix milliseconds by the database's clock.
  created_at        bigint  NOT NULL DEFAULT (round(extract(epoch FROM clock_timestamp()) * 1000)::bigint),
  CHECK ((kind = 'reversal') = (reverses IS NOT NULL)),
  CHECK (kind = 'reversal' OR amount NOT LIKE '-%')
);

CREATE INDEX ledger_entries_call ON ledger_entries (sdk_app_id, call_id);
CREATE INDEX ledger_entries_end ON ledger_entries (end_time);
CREATE INDEX ledger_entries_payer ON ledger_entries (payer, end_time);

-- +goose StatementBegin
CREATE FUNCTION ledger_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the ledger is append-only: % on % is refused, book a reversal instead', TG_OP, TG_TABLE_NAME;
END;
$$;
-- +goose StatementEnd

CREATE TRIGGER ledger_entries_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_entries
  FOR EACH STATEMENT EXECUTE FUNCTION ledger_append_only();

CREATE TRIGGER ledger_tariffs_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_tariffs
  FOR EACH STATEMENT EXECUTE FUNCTION ledger_append_only();
