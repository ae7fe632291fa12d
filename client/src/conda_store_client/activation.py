"""Runs a command in an unpacked environment, activated."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NoReturn

from conda_store_client.errors import ClientError
from conda_store_client.shebang import is_conda_store_script

DEFAULT_COMMAND = ("python",)
# What conda's own activation does: the variables, the scripts of packages; then the command in place of the shell.
_ACTIVATE = """
export CONDA_PREFIX="$1" CONDA_DEFAULT_ENV="$2" CONDA_SHLVL=1 PATH="$1/bin:$PATH"
for script in "$1"/etc/conda/activate.d/*.sh; do if [ -f "$script" ]; then . "$script"; fi; done
shift 2
exec "$@"
"""


def full_command(command: Sequence[str]) -> tuple[str, ...]:
    """The command to run: python unless given, and for a script that asks for conda-store, which would ask again."""
    if not command or is_conda_store_script(command[0]):
        return (*DEFAULT_COMMAND, *command)
    return tuple(command)


def become(prefix: Path, name: str, command: Sequence[str], environment: Mapping[str, str]) -> NoReturn:
    """Replace this process by the command; raises ClientError when there is no shell to start it."""
    arguments = _arguments(prefix, name, command)
    sys.stdout.flush()
    sys.stderr.flush()
    os.execve(arguments[0], arguments, dict(environment))  # noqa: S606  that is what the user asks for


def run(prefix: Path, name: str, command: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run the command and return its exit status, 128 and the signal if one ended it."""
    arguments = _arguments(prefix, name, command)
    status = subprocess.call(arguments, env=dict(environment))  # noqa: S603  that is what the user asks for
    return status if status >= 0 else 128 - status


def _arguments(prefix: Path, name: str, command: Sequence[str]) -> list[str]:
    shell = shutil.which("bash") or shutil.which("sh")
    if shell is None:
        raise ClientError("there is neither bash nor sh to activate the environment with")
    return [shell, "-c", _ACTIVATE, "conda-store", str(prefix), name, *full_command(command)]
