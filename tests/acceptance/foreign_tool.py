"""Tools of others, each in an environment of its own, whose packages are pinned in a file beside this one."""

import fcntl
import os
import subprocess
import sys
from pathlib import Path

_CACHE = Path(__file__).parents[2] / ".cache" / "tools"


def install_tool(name: str) -> Path:
    """Return the directory of a tool's programs; it is installed once, and again when its pins change."""
    pins = Path(__file__).with_name(f"pins-{name}.txt")
    place, installed = _CACHE / name, _CACHE / name / "installed.txt"
    _CACHE.mkdir(parents=True, exist_ok=True)
    with (_CACHE / f"{name}.lock").open("w") as lock:
        # Two test processes may want it at once.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not installed.exists() or installed.read_text() != pins.read_text():
            _install(pins, place)
            installed.write_text(pins.read_text())
    return place / "bin"


def _install(pins: Path, place: Path) -> None:
    uv = Path(sys.executable).with_name("uv")
    subprocess.run([uv, "venv", "--quiet", "--clear", "--python", sys.executable, place], check=True, timeout=60)
    variables = {**os.environ, "VIRTUAL_ENV": str(place)}
    subprocess.run([uv, "pip", "sync", "--quiet", pins], check=True, timeout=300, env=variables)
