#!/bin/sh
# SQL_HOST and the like say where. Each command does nothing where it has been done
# before.
set -eu
update() {
  temporal-sql-tool --database "$1" create-database
  temporal-sql-tool --database "$1" setup-schema --version 0.0
  temporal-sql-tool --database "$1" update-schema --schema-name "postgresql/v12/$2"
}
update temporal temporal
update temporal_visibility visibility
