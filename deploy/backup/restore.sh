#!/usr/bin/env bash
# Puts a backup back into an empty database and a bucket:  restore.sh BACKUP BUCKET
# With the arguments of back_up.sh and as the owner of the database; no service may run meanwhile.
set -euo pipefail

backup=$1
bucket=$2
dump=$(mktemp)
trap 'rm -f "$dump"' EXIT

if [ "$(psql --no-psqlrc --tuples-only --no-align --command "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")" != 0 ]; then
    echo "restore: the database ${PGDATABASE:?} has tables already; make an empty one.  Nothing was changed." >&2
    exit 1
fi
rclone copyto "$backup/database.dump" "$dump"
rclone sync --metadata "$backup/objects" "$bucket"
# All or nothing.
pg_restore --exit-on-error --single-transaction --no-owner --no-privileges --dbname "${PGDATABASE:?}" "$dump"
# The ids that come next were told already, of events that the backup does not have: receivers of webhooks and readers
# of streams would take new events for those.
psql --no-psqlrc --quiet --output /dev/null --set ON_ERROR_STOP=1 --command "
    SELECT setval(oid::regclass, nextval(oid::regclass) + 1000000) FROM pg_class
    WHERE relkind = 'S' AND relname IN ('event_id_seq', 'webhook_delivery_id_seq')"
