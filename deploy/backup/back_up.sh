#!/usr/bin/env bash
# Backs up database and bucket while the suite runs:  back_up.sh BUCKET BACKUP
# Both are paths of rclone: BUCKET such as store:conda-store, BACKUP another bucket or a directory.  The database is the one that
# libpq's variables name (PGHOST, PGDATABASE, PGUSER, PGPASSFILE); pg_dump may not be older than the server.
set -euo pipefail

bucket=$1
backup=$2
dump=$(mktemp)
trap 'rm -f "$dump"' EXIT

# The database first: an object is there before the row that names it.  What comes in between is an object too many, which does
# no harm; the other way round there would be rows without their object.
pg_dump --format=custom --no-owner --no-privileges --file "$dump"
# A directory, when there is nothing in the bucket yet.
rclone mkdir "$backup/objects"
rclone copy --metadata "$bucket" "$backup/objects"
# Whichever dump is there when this is interrupted, the objects that it names are there.
rclone copyto "$dump" "$backup/database.dump"
# Only now does what was deleted go.
rclone sync --metadata "$bucket" "$backup/objects"
