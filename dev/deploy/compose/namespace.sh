#!/bin/sh
# TEMPORAL_ADDRESS and TEMPORAL_NAMESPACE say where. The retention is longer than
# Tencent keeps records, and than any dedupe_window.
set -eu
temporal operator namespace create --namespace "$TEMPORAL_NAMESPACE" --retention 10d ||
  temporal operator namespace update --namespace "$TEMPORAL_NAMESPACE" --retention 10d
existing=$(temporal operator search-attribute list)
for name in CallApp CallResult CallMedia CallType CallSource CallId CallStage; do
  echo "$existing" | grep -qw "$name" || temporal operator search-attribute create --name "$name" --type Keyword
done
