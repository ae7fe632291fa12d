#!/bin/sh
# An S3 server with one bucket.  Its keys are read from files: they are seen neither on a command line nor in what the
# engine tells of the container.
set -eu
access_key=$(cat "${S3_ACCESS_KEY_FILE:-/run/secrets/s3_access_key}")
secret_key=$(cat "${S3_SECRET_KEY_FILE:-/run/secrets/s3_secret_key}")
# A list with one element, which has a comma.
export RCLONE_AUTH_KEY="\"$access_key,$secret_key\""
mkdir -p "/data/${S3_BUCKET:-conda-store}"
exec rclone serve s3 --config /dev/null --cache-dir /tmp --addr :9000 "$@" /data
