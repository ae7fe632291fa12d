#!/usr/bin/env bash
# Installs what the tests in a browser talk to: Chromium, and identity providers into .cache/peers; or says what is missing.
set -euo pipefail
cd "$(dirname "$0")/.."
export UV_PYTHON_DOWNLOADS=never UV_NO_PROGRESS=1

place=.cache/peers
pins=scripts/peers
missing=()

command -v chromium > /dev/null || missing+=(chromium)
# Without any font a page is blank.
[ -d /usr/share/fonts/truetype/dejavu ] || missing+=(fonts-dejavu-core)
command -v node > /dev/null || missing+=(nodejs)
command -v npm > /dev/null || missing+=(npm)

if [ ${#missing[@]} != 0 ]; then
    if [ "$(id -u)" != 0 ] || ! command -v apt-get > /dev/null; then
        echo "missing for the tests in a browser: run 'apt-get install --no-install-recommends ${missing[*]}' as root" >&2
        exit 1
    fi
    scripts/install_debian.sh "${missing[@]}"
fi
if ! node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)'; then
    echo "node $(node --version) is too old for the tests in a browser: install Node.js 20 or newer" >&2
    exit 1
fi

mkdir -p "$place"
# Two runs at once would take the packages away under each other's feet.
if command -v flock > /dev/null; then
    exec 9> "$place/lock"
    flock 9
fi

# is_installed NAME PIN...: whether NAME was installed from just these pins.
is_installed() {
    local name=$1
    shift
    cat "$@" | cmp -s - "$place/$name.installed"
}

npm_pins=("$pins/package.json" "$pins/package-lock.json")
if ! is_installed npm "${npm_pins[@]}"; then
    echo "installing oidc-provider and configurable-http-proxy"
    cp "${npm_pins[@]}" "$place"
    npm ci --prefix "$place" --omit=dev --no-audit --no-fund --loglevel=error
    cat "${npm_pins[@]}" > "$place/npm.installed"
fi

if ! is_installed jupyterhub "$pins/jupyterhub.txt"; then
    echo "installing JupyterHub"
    uv=.venv/bin/uv
    "$uv" venv -q --clear --python .venv/bin/python "$place/jupyterhub"
    VIRTUAL_ENV="$PWD/$place/jupyterhub" "$uv" pip sync -q --require-hashes "$pins/jupyterhub.txt"
    cat "$pins/jupyterhub.txt" > "$place/jupyterhub.installed"
fi
