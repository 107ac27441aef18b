#!/bin/sh
# Writes the ledgers of earlier schemas with the code that had them: for each, a SQLite
# file and a dump of PostgreSQL. It needs a clone with its history, PostgreSQL and
# pg_dump. A ledger of a release is written once, by its commit, and then kept:
#
#   ./make.sh            # all
#   ./make.sh 00007      # one of them
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(git -C "$here" rev-parse --show-toplevel)
while read -r version commit; do
  [ "${1:-$version}" = "$version" ] || continue
  old=$(mktemp -d)
  trap 'git -C "$root" worktree remove --force "$old/code"; rmdir "$old"' EXIT
  git -C "$root" worktree add --quiet --detach "$old/code" "$commit"
  cp "$here/write.go.txt" "$old/code/internal/ledger/zz_write_test.go"
  cp "$here/$version.go.txt" "$old/code/internal/ledger/zz_book_test.go"
  rm -f "$here/$version.db" "$here/$version.sql"
  (cd "$old/code" && RELEASE="$here/$version" go test ./internal/ledger -count=1 -run '^TestWriteRelease$')
  sed -i '/^\\\(un\)\{0,1\}restrict /d' "$here/$version.sql" # for psql alone
  git -C "$root" worktree remove --force "$old/code"
  rmdir "$old"
  trap - EXIT
done <<RELEASES
00001 786cea0
00007 deb9325
00010 a53e271
00012 eb7b181
RELEASES
