-- An index of an attribute then has only the rows that have a value, under its own name.
-- A query with attribute = 'x' implies that there is one, so it still uses the index.
DO $$
DECLARE
  i record;
BEGIN
  FOR i IN
    SELECT indexname, indexdef, a.attname
    FROM pg_indexes x
    JOIN pg_index p ON p.indexrelid = x.indexname::regclass
    JOIN pg_attribute a ON a.attrelid = p.indrelid AND a.attnum = p.indkey[1]
    WHERE tablename = 'executions_visibility' AND NOT p.indisprimary AND p.indpred IS NULL
      AND NOT a.attnotnull AND a.attname <> 'close_time'
  LOOP
    EXECUTE format('DROP INDEX %I', i.indexname);
    EXECUTE format('%s WHERE %I IS NOT NULL', i.indexdef, i.attname);
  END LOOP;
END $$;
