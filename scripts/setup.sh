#!/usr/bin/env bash
# Makes .venv with the pinned packages of requirements.lock and the packages of this repository.
# Needs Python 3.11 or newer; uv is fetched if it is not there.  PYTHON=... names another interpreter.
set -euo pipefail
cd "$(dirname "$0")/.."
export UV_PYTHON_DOWNLOADS=never UV_NO_PROGRESS=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore

fail() {
    echo "setup: $*" >&2
    exit 1
}

is_new_enough() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

find_python() {
    local name
    for name in ${PYTHON:-} python3 python3.11 python3.12 python3.13 python3.14 python /usr/bin/python3; do
        # By its own word, not by its path: the name may be a shim that changes with the folder.
        if is_new_enough "$name"; then
            "$name" -c 'import sys; print(sys.executable)'
            return
        fi
    done
    fail "no Python 3.11 or newer: install python3"
}

# The lines of requirements.lock for uv alone, so that what is fetched first is checked by hash as well.
locked_uv() {
    awk '/^uv==/ { found = 1 } found { print } found && !/\\$/ { exit }' requirements.lock
}

fetch_uv() {
    mkdir -p .cache
    locked_uv > .cache/uv-requirement.txt
    if "$python" -m pip --version > /dev/null 2>&1; then
        "$python" -m pip install -q --require-hashes --target .cache/uv -r .cache/uv-requirement.txt
    elif "$python" -m venv .cache/uv-venv > /dev/null 2>&1; then
        .cache/uv-venv/bin/python -m pip install -q --require-hashes --target .cache/uv -r .cache/uv-requirement.txt
    else
        rm -rf .cache/uv-venv
        return 1
    fi
}

find_uv() {
    local name
    for name in uv .cache/uv/bin/uv .venv/bin/uv; do
        if "$name" --version > /dev/null 2>&1; then
            uv=$name
            return
        fi
    done
    return 1
}

get_uv() {
    find_uv && return
    echo "setup: fetching uv"
    if ! fetch_uv; then
        if [ "$(id -u)" != 0 ] || ! command -v apt-get > /dev/null; then
            fail "$python has neither pip nor venv: install python3-pip, or uv"
        fi
        scripts/install_debian.sh python3-pip python3-venv
        # Debian's pip serves Debian's Python, which may be another one.
        "$python" -m pip --version > /dev/null 2>&1 || python=/usr/bin/python3
        fetch_uv || fail "cannot install uv by pip"
    fi
    find_uv || fail "uv was installed and does not run"
}

sync() {
    local package editable=()
    if ! is_new_enough .venv/bin/python; then
        "$uv" venv -q --clear --python "$python" .venv
    fi
    for package in shared services/* client deploy/standalone; do
        [ -f "$package/pyproject.toml" ] && editable+=(-e "./$package")
    done
    # Through VIRTUAL_ENV, because uv names the interpreter's own folder otherwise.
    export VIRTUAL_ENV="$PWD/.venv"
    "$uv" pip sync -q --require-hashes requirements.lock
    "$uv" pip install -q --no-deps --no-build-isolation "${editable[@]}"
}

# Two commands at once would take the packages away under each other's feet.
mkdir -p .cache
if command -v flock > /dev/null; then
    exec 9> .cache/setup.lock
    flock 9
fi
python=$(find_python)
get_uv
sync
touch .venv/.set-up
