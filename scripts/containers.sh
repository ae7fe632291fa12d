#!/usr/bin/env bash
# Installs what the tests with containers talk to: a Docker engine, docker-compose, podman, skopeo and a registry, and what
# makes base images; or says what is missing.
set -euo pipefail
cd "$(dirname "$0")/.."

missing=()

# need PROGRAM PACKAGE...: unless the program is there, the packages are missing.
need() {
    local program=$1
    shift
    PATH=$PATH:/usr/sbin command -v "$program" > /dev/null || missing+=("$@")
}

need dockerd docker.io iptables
need runc runc
need docker-registry docker-registry
need docker-compose docker-compose
need mmdebstrap mmdebstrap
need skopeo skopeo
need podman podman netavark aardvark-dns

if [ "$(id -u)" != 0 ]; then
    echo "the tests with containers start a Docker engine of their own: run them as root" >&2
    exit 1
fi
if [ ${#missing[@]} = 0 ]; then
    exit 0
fi
if command -v apt-get > /dev/null; then
    exec scripts/install_debian.sh "${missing[@]}"
fi
echo "missing for the tests with containers: run 'apt-get install --no-install-recommends ${missing[*]}' as root" >&2
exit 1
