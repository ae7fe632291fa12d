"""The pinned wheels of the channel: their list, and their contents fetched by uv."""

import os
import subprocess
from enum import StrEnum
from pathlib import Path

from uv import find_uv_bin

from conda_store_shared.testing.demo_channel.interpreter import DemoChannelFailed, Interpreter

FETCH_TIMEOUT = 600.0


class PackageSet(StrEnum):
    """How much the channel holds: everything, or what a quick test needs."""

    FULL = "full"
    SMALL = "small"

    @property
    def requirements(self) -> Path:
        """The wheels with their versions and hashes, for every Python and platform."""
        return Path(__file__).with_name("pinned") / f"{self.value}.txt"


def fetch_wheels(package_set: PackageSet, interpreter: Interpreter, target: Path) -> None:
    """Unpack the pinned wheels for ``interpreter`` into ``target``; what uv has cached is not asked for again.

    Raises DemoChannelFailed with uv's words when a wheel cannot be had or has another hash.
    """
    command = [
        find_uv_bin(), "pip", "install", "--quiet", "--python", os.fspath(interpreter.executable),
        "--target", os.fspath(target), "--no-deps", "--require-hashes", "--only-binary", ":all:",
        "--link-mode", "hardlink", "--no-compile-bytecode", "--requirements", os.fspath(package_set.requirements),
    ]  # fmt: skip
    if _run([*command, "--offline"]).returncode == 0:
        return
    fetched = _run(command)
    if fetched.returncode != 0:
        raise DemoChannelFailed(f"the demo channel's wheels cannot be fetched: {fetched.stderr.strip()}")


def _run(command: list[str]) -> subprocess.CompletedProcess[str]:
    # The project's own configuration is no concern of the channel, the user's index and proxy are.
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=FETCH_TIMEOUT, cwd="/")
