#!/bin/sh
# Runs once, on an empty volume.
set -e
psql --quiet --set ON_ERROR_STOP=1 --username "${POSTGRES_USER:-postgres}" --dbname postgres \
  --set temporal="$TEMPORAL_PASSWORD" --set ledger="$LEDGER_PASSWORD" <<'SQL'
CREATE ROLE temporal LOGIN CREATEDB PASSWORD :'temporal';
CREATE ROLE ledger LOGIN PASSWORD :'ledger';
CREATE DATABASE ledger OWNER ledger;
SQL
