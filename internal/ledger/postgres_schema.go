package ledger

// postgresSchema lists tables, columns, constraints and triggers with the functions
// that they call, and what can take their effect away: disabled triggers, rules and
// row security. What a version of PostgreSQL could write differently is left out.
const postgresSchema = `WITH tables AS (
  SELECT c.* FROM pg_class c
  WHERE c.relname LIKE 'ledger\_%' AND c.relname <> 'ledger_migrations' AND c.relname NOT LIKE 'ledger\_sweep%' AND c.relkind NOT IN ('i', 'S', 'I') AND pg_table_is_visible(c.oid)
)
SELECT 'table ' || relname, 'kind ' || relkind::text || ', persistence ' || relpersistence::text FROM tables
UNION ALL
SELECT 'column ' || a.attname || ' of ' || c.relname,
  format_type(a.atttypid, a.atttypmod) || CASE WHEN a.attnotnull THEN ' not null' ELSE '' END || CASE a.attidentity WHEN '' THEN '' ELSE ' identity ' || a.attidentity::text END
FROM tables c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
UNION ALL
SELECT 'constraint ' || t.conname || ' of ' || c.relname, pg_get_constraintdef(t.oid, true)
FROM tables c JOIN pg_constraint t ON t.conrelid = c.oid AND t.contype IN ('c', 'f', 'p', 'u', 'x')
UNION ALL
SELECT 'trigger ' || t.tgname || ' on ' || c.relname,
  'type ' || t.tgtype || ', enabled ' || t.tgenabled::text || ', when ' || COALESCE(pg_get_expr(t.tgqual, t.tgrelid), 'always') || ', ' || p.proname || ': ' || p.prosrc
FROM tables c JOIN pg_trigger t ON t.tgrelid = c.oid AND NOT t.tgisinternal JOIN pg_proc p ON p.oid = t.tgfoid
UNION ALL
SELECT 'triggers of the foreign keys of ' || c.relname, 'enabled ' || string_agg(DISTINCT t.tgenabled::text, ' ')
FROM tables c JOIN pg_trigger t ON t.tgrelid = c.oid AND t.tgisinternal GROUP BY c.relname
UNION ALL
SELECT 'rule ' || r.rulename || ' on ' || c.relname, 'on ' || r.ev_type::text
FROM tables c JOIN pg_rewrite r ON r.ev_class = c.oid
UNION ALL
SELECT 'row security on ' || relname, 'on' FROM tables WHERE relrowsecurity`
