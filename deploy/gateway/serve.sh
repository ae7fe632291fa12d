#!/bin/sh
# Runs the gateway, told by environment variables:
#   API_UPSTREAM, AUTH_UPSTREAM, ARTIFACTS_UPSTREAM  host:port of each service; all addresses of a host share the work
#   GATEWAY_LISTEN           [address:]port; 8080 unless said
#   GATEWAY_TLS_LISTEN       [address:]port for TLS, with the certificate below; GATEWAY_LISTEN then leads there
#   GATEWAY_CERTIFICATE      PEM files of certificate and key; read again when they change
#   GATEWAY_CERTIFICATE_KEY
#   GATEWAY_PREFIX           CondaStoreServer.url_prefix without a slash at its end
#   GATEWAY_TRUSTED_PROXIES  networks of proxies in front whose X-Forwarded-* headers are believed, with blanks between
#   GATEWAY_DIRECTORY        writable; /tmp/gateway unless said
#
# nginx looks a host up once, when it reads its configuration.  Containers get other addresses when they are scaled or
# made anew, so they are looked up again and again here, and nginx reads the configuration anew when one has changed.
set -eu

template=$(dirname "$0")/nginx.conf
directory=${GATEWAY_DIRECTORY:-/tmp/gateway}
# Seconds between two looks.
interval=${GATEWAY_INTERVAL:-2}
mkdir -p "$directory"

# servers HOST:PORT: nginx's words for each address of a host; for a host that has none, one that never answers.
servers() {
    port=${1##*:}
    addresses=$(getent ahosts "${1%:*}" | awk '$2 == "STREAM" { print $1 }' | sort -u)
    for address in $addresses; do
        case $address in
            *:*) address="[$address]" ;;
        esac
        printf 'server %s:%s max_fails=0; ' "$address" "$port"
    done
    [ -n "$addresses" ] || printf 'server 127.0.0.1:1 down;'
}

listens() {
    printf 'listen %s;' "${GATEWAY_LISTEN:-8080}"
    if [ -n "${GATEWAY_TLS_LISTEN:-}" ]; then
        printf ' listen %s ssl; ssl_certificate %s; ssl_certificate_key %s;' \
            "$GATEWAY_TLS_LISTEN" "$GATEWAY_CERTIFICATE" "$GATEWAY_CERTIFICATE_KEY"
        # shellcheck disable=SC2016  # nginx's own names
        printf ' if ($scheme = http) { return 308 https://$host$request_uri; }'
    fi
}

proxies() {
    for network in ${GATEWAY_TRUSTED_PROXIES:-}; do
        printf '%s 1; ' "$network"
    done
}

# The right side of a replacement by sed.
quoted() {
    printf '%s' "$1" | sed 's/[&|\\]/\\&/g'
}

render() {
    sed -e "s|\${GATEWAY_DIRECTORY}|$(quoted "$directory")|g" \
        -e "s|\${GATEWAY_LISTENS}|$(quoted "$(listens)")|" \
        -e "s|\${GATEWAY_PROXIES}|$(quoted "$(proxies)")|" \
        -e "s|\${GATEWAY_PREFIX}|$(quoted "${GATEWAY_PREFIX:-}")|g" \
        -e "s|\${API_SERVERS}|$(quoted "$(servers "$API_UPSTREAM")")|" \
        -e "s|\${AUTH_SERVERS}|$(quoted "$(servers "$AUTH_UPSTREAM")")|" \
        -e "s|\${ARTIFACTS_SERVERS}|$(quoted "$(servers "$ARTIFACTS_UPSTREAM")")|" \
        "$template"
    if [ -n "${GATEWAY_TLS_LISTEN:-}" ]; then
        # A renewed certificate is a change of the configuration too.
        echo "# $(cat "$GATEWAY_CERTIFICATE" "$GATEWAY_CERTIFICATE_KEY" | cksum)"
    fi
}

render > "$directory/nginx.conf"
nginx -c "$directory/nginx.conf" -p "$directory" -g "daemon off;${GATEWAY_ACCOUNT:+ user $GATEWAY_ACCOUNT;}" &
server=$!
stopping=
trap 'stopping=yes; kill -QUIT $server 2> /dev/null || true' TERM INT QUIT

# Ends with nginx.
while [ -z "$stopping" ] && kill -0 $server 2> /dev/null; do
    sleep "$interval" &
    # Signals are heard while waiting, not while a program runs.
    wait $! || true
    if render > "$directory/nginx.conf.new" && ! cmp -s "$directory/nginx.conf.new" "$directory/nginx.conf"; then
        mv "$directory/nginx.conf.new" "$directory/nginx.conf"
        kill -HUP $server 2> /dev/null || true
    fi
done
wait $server
