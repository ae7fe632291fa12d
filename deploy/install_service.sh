#!/bin/sh
# Installs one service into a virtual environment, in steps that are layers of their own in an image:
#
#     install_service.sh tools                          what installs: of requirements.lock as well, and not in the image
#     install_service.sh packages SERVICE DIRECTORY     what the service needs, as locked, checked by hash
#     install_service.sh service SERVICE DIRECTORY      the service itself; nothing is fetched
#
# Run in the root of the source.
set -eu
step=$1
service=${2:-}
directory=${3:-}

tools=/tmp/tools
export PATH="$tools/bin:$PATH" PYTHONPATH="$tools" VIRTUAL_ENV="$directory"

tools() {
    deploy/locked_lines.sh uv uv-build > /tmp/tools.txt
    python -m pip install --quiet --require-hashes --target "$tools" --requirement /tmp/tools.txt
}

packages() {
    uv venv --quiet --python "$(command -v python)" "$directory"
    # Which packages the service needs is resolved within the lock; versions and hashes are the lock's.
    uv pip compile --quiet --no-header --no-annotate --constraint requirements.lock \
        --no-emit-package conda-store-shared "services/$service/pyproject.toml" |
        deploy/locked_lines.sh > /tmp/packages.txt
    uv pip sync --quiet --require-hashes --compile-bytecode /tmp/packages.txt
}

service() {
    uv pip install --quiet --no-deps --no-build-isolation --offline --compile-bytecode ./shared "./services/$service"
    ln -s "conda-store-$service" "$directory/bin/serve"
}

"$step"
