#!/usr/bin/env bash
# Writes requirements.lock: every package of the workspace's environment, pinned, with hashes and without any address.
set -euo pipefail
cd "$(dirname "$0")/.."

uv=.venv/bin/uv
command -v uv > /dev/null && uv --version > /dev/null 2>&1 && uv=uv
"$uv" lock -q
"$uv" export -q --frozen --all-packages --all-extras --all-groups --no-emit-workspace --no-header --no-annotate \
    -o requirements.lock
if grep -n '://' requirements.lock; then
    echo "lock: requirements.lock names an address" >&2
    exit 1
fi
