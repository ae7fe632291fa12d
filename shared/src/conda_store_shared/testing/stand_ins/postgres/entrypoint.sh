#!/bin/bash
# What the official image does with POSTGRES_USER, POSTGRES_PASSWORD(_FILE), POSTGRES_DB and /docker-entrypoint-initdb.d.
set -euo pipefail
export POSTGRES_USER=${POSTGRES_USER:-postgres}
export POSTGRES_DB=${POSTGRES_DB:-$POSTGRES_USER}

if [ "${1:-}" = postgres ] && [ ! -s "$PGDATA/PG_VERSION" ]; then
    if [ -n "${POSTGRES_PASSWORD_FILE:-}" ]; then
        POSTGRES_PASSWORD=$(< "$POSTGRES_PASSWORD_FILE")
    fi
    : "${POSTGRES_PASSWORD:?is not set}"
    initdb --username="$POSTGRES_USER" --pwfile=<(echo "$POSTGRES_PASSWORD")
    printf '\nhost all all all scram-sha-256\n' >> "$PGDATA/pg_hba.conf"
    pg_ctl --pgdata="$PGDATA" --wait --options="-c listen_addresses=''" start
    run=(psql --no-psqlrc --set=ON_ERROR_STOP=1 --username="$POSTGRES_USER")
    if [ "$POSTGRES_DB" != postgres ]; then
        "${run[@]}" --dbname=postgres --set=db="$POSTGRES_DB" <<< 'CREATE DATABASE :"db";'
    fi
    for file in /docker-entrypoint-initdb.d/*; do
        case $file in
            *.sh) if [ -x "$file" ]; then "$file"; else . "$file"; fi ;;
            *.sql) "${run[@]}" --dbname="$POSTGRES_DB" --file="$file" ;;
        esac
    done
    pg_ctl --pgdata="$PGDATA" --wait stop
fi
exec "$@" -c "listen_addresses=*"
