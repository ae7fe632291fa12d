#!/bin/sh
# Fills the names in ${CAPITALS} of the configuration from the environment, and becomes nginx.
set -eu
template=/etc/conda-store/nginx.conf
# The resolver that names of services are asked of: the engine's, the cluster's, whatever this container has.
export GATEWAY_RESOLVER="${GATEWAY_RESOLVER:-$(sed -n 's/^nameserver  *//p' /etc/resolv.conf | head -n 1)}"

names=$(grep -v '^ *#' "$template" | grep -o '\${[A-Z][A-Z0-9_]*}' | sort -u | tr -d '${}')
wanted=
for name in $names; do
    if ! printenv "$name" > /dev/null; then
        echo "gateway: $name is not set; see the first lines of deploy/gateway/nginx.conf" >&2
        exit 1
    fi
    # nginx has $variables of its own, which must stay: only these are replaced.
    wanted="$wanted \$$name"
done
envsubst "$wanted" < "$template" > "$GATEWAY_DIRECTORY/nginx.conf"
exec nginx -c "$GATEWAY_DIRECTORY/nginx.conf" -p "$GATEWAY_DIRECTORY" -g 'daemon off;' "$@"
