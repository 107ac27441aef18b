#!/bin/sh
# Each command does nothing where it has been done before.
set -eu
for schema in temporal visibility; do
  database=temporal
  [ $schema = visibility ] && database=temporal_visibility
  tool="temporal-sql-tool --plugin postgres12_pgx --endpoint postgres --port 5432 --user temporal --database $database"
  $tool create-database
  $tool setup-schema --version 0.0
  $tool update-schema --schema-name postgresql/v12/$schema
done
