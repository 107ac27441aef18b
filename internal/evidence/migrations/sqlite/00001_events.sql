-- +goose Up

-- What Tencent said about who was in a call: each event once, by its natural key.
-- An event never changes; it is deleted when its retention is over.
CREATE TABLE evidence_events (
  id           INTEGER PRIMARY KEY AUTOINCREMENT,
  sdk_app_id   INTEGER NOT NULL CHECK (sdk_app_id > 0),
  -- callback or room: by which way the event came.
  source       TEXT    NOT NULL CHECK (source IN ('callback', 'room')),
  -- Empty for an event of a room, which names no call.
  call_id      TEXT    NOT NULL,
  -- Empty and 0 where only the call is named. 1 is a digit room, 2 a string room.
  room_id      TEXT    NOT NULL,
  room_id_type INTEGER NOT NULL CHECK (room_id_type IN (0, 1, 2)),
  user_id      TEXT    NOT NULL,
  kind         TEXT    NOT NULL CHECK (kind <> ''),
  -- Unix milliseconds, as the event says.
  at           INTEGER NOT NULL CHECK (at > 0),
  -- Tencent's own word or reason for the event.
  detail       TEXT    NOT NULL,
  CHECK (call_id <> '' OR room_id <> ''),
  -- Ordered so that it finds the events of a call, and those of a room by time.
  UNIQUE (sdk_app_id, call_id, room_id, room_id_type, at, source, kind, user_id)
) STRICT;

CREATE INDEX evidence_events_at ON evidence_events (sdk_app_id, source, at);

-- +goose StatementBegin
CREATE TRIGGER evidence_events_no_update BEFORE UPDATE ON evidence_events
BEGIN
  SELECT RAISE(ABORT, 'evidence is append-only: an event cannot change');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER evidence_events_no_replace BEFORE INSERT ON evidence_events
WHEN EXISTS (SELECT 1 FROM evidence_events WHERE id = NEW.id)
BEGIN
  SELECT RAISE(ABORT, 'evidence is append-only: an event cannot change');
END;
-- +goose StatementEnd

-- What each migration demands of the releases that use the tables, as ledger_versions
-- of the ledger.
CREATE TABLE evidence_versions (
  version INTEGER NOT NULL PRIMARY KEY,
  oldest  INTEGER NOT NULL CHECK (oldest <= version)
) STRICT;

INSERT INTO evidence_versions (version, oldest) VALUES (1, 1);
