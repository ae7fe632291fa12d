#!/bin/sh
# Prints what requirements.lock says of the packages named, with their hashes: locked_lines.sh NAME...
# Without arguments the names are on standard input, one a line; of `name==version` the name counts.
set -eu
if [ $# != 0 ]; then
    printf '%s\n' "$@" | "$0"
    exit
fi
exec awk '
    NR == FNR { sub(/[^A-Za-z0-9._-].*/, ""); wanted[$0] = 1; next }
    /^[A-Za-z0-9]/ { name = $1; sub(/==.*/, "", name); found = (name in wanted) }
    found
' - "$(dirname "$0")/../requirements.lock"
