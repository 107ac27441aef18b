-- +goose Up

-- An adjustment is a credit or a surcharge: an amount of either sign. SQLite cannot
-- alter a CHECK. Copying the table would take as long as the ledger is large, and
-- constraints do not change how rows are stored, so the text of the table is replaced
-- as https://www.sqlite.org/lang_altertable.html#otheralter describes.
PRAGMA writable_schema = ON;
UPDATE sqlite_schema SET sql = replace(replace(sql,
  'CHECK (kind IN (''charge'', ''reversal''))', 'CHECK (kind IN (''charge'', ''reversal'', ''adjustment''))'),
  'CHECK (kind = ''reversal'' OR amount NOT LIKE ''-%'')', 'CHECK (kind <> ''charge'' OR amount NOT LIKE ''-%'')')
WHERE type = 'table' AND name = 'ledger_entries';
PRAGMA writable_schema = RESET;
-- Changes the schema in a way that other connections notice.
CREATE TABLE ledger_schema_changed (id INTEGER) STRICT;
DROP TABLE ledger_schema_changed;

-- A release of before charges as ever. It does not know adjustments: it shows them and
-- adds them up, but its corrections of an adjusted call leave the adjustments as they
-- are. verify of this release finds that, and its reverse --adjustment cures it.
INSERT INTO ledger_versions (version, oldest) VALUES (9, 8);
