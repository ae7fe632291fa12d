#!/usr/bin/env bash
# Makes sure that the servers which the tests start are installed; says what is missing if it may not install them.
set -euo pipefail
cd "$(dirname "$0")/.."

missing=()

# need PACKAGE PATH...: one of the paths (patterns allowed) or the last one's name on PATH must be a program.
need() {
    local package=$1 path
    shift
    for path in "$@"; do
        [ -x "$path" ] && return
    done
    command -v "$(basename "$path")" > /dev/null || missing+=("$package")
}

need postgresql /usr/lib/postgresql/*/bin/postgres
need rabbitmq-server /usr/lib/rabbitmq/bin/rabbitmq-server
need nginx-light /usr/sbin/nginx
need prometheus /usr/bin/prometheus

if [ ${#missing[@]} = 0 ]; then
    exit 0
fi
if [ "$(id -u)" = 0 ] && command -v apt-get > /dev/null; then
    exec scripts/install_debian.sh "${missing[@]}"
fi
echo "missing servers: run 'apt-get install --no-install-recommends ${missing[*]}' as root" >&2
exit 1
