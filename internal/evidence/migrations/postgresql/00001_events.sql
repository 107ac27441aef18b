-- +goose Up

-- What Tencent said about who was in a call: each event once, by its natural key.
-- An event never changes; it is deleted when its retention is over.
CREATE TABLE evidence_events (
  id           bigint   GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  sdk_app_id   bigint   NOT NULL CHECK (sdk_app_id > 0),
  -- callback or room: by which way the event came.
  source       text     NOT NULL CHECK (source IN ('callback', 'room')),
  -- Empty for an event of a room, which names no call.
  call_id      text     COLLATE "C" NOT NULL,
  -- Empty and 0 where only the call is named. 1 is a digit room, 2 a string room.
  room_id      text     COLLATE "C" NOT NULL,
  room_id_type smallint NOT NULL CHECK (room_id_type IN (0, 1, 2)),
  user_id      text     COLLATE "C" NOT NULL,
  kind         text     NOT NULL CHECK (kind <> ''),
  -- Unix milliseconds, as the event says.
  at           bigint   NOT NULL CHECK (at > 0),
  -- Tencent's own word or reason for the event.
  detail       text     NOT NULL,
  CHECK (call_id <> '' OR room_id <> ''),
  -- Ordered so that it finds the events of a call, and those of a room by time.
  UNIQUE (sdk_app_id, call_id, room_id, room_id_type, at, source, kind, user_id)
);

CREATE INDEX evidence_events_at ON evidence_events (sdk_app_id, source, at);

-- +goose StatementBegin
CREATE FUNCTION evidence_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'evidence is append-only: an event cannot change';
END;
$$;
-- +goose StatementEnd

CREATE TRIGGER evidence_events_no_update BEFORE UPDATE ON evidence_events
  FOR EACH STATEMENT EXECUTE FUNCTION evidence_append_only();

-- What each migration demands of the releases that use the tables, as ledger_versions
-- of the ledger.
CREATE TABLE evidence_versions (
  version bigint NOT NULL PRIMARY KEY,
  oldest  bigint NOT NULL CHECK (oldest <= version)
);

INSERT INTO evidence_versions (version, oldest) VALUES (1, 1);
