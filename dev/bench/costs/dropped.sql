-- What is kept: the key, the order of the list, and what aftercall searches by.
DO $$
DECLARE
  i record;
BEGIN
  FOR i IN
    SELECT indexname FROM pg_indexes
    WHERE tablename = 'executions_visibility' AND indexname NOT IN (
      'executions_visibility_pkey', 'default_idx', 'by_workflow_id', 'by_workflow_type', 'by_status',
      'by_temporal_namespace_division')
  LOOP
    EXECUTE format('DROP INDEX %I', i.indexname);
  END LOOP;
END $$;
