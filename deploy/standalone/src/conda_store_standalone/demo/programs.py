"""Programs from the environment, run with nothing of this process around them."""

import os
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

from conda_store_standalone.demo.failure import DemoFailed

_TIMEOUT = 120.0
# Answers a web request by flask with a number by numpy; the last word is the prefix it all came from.
_PROGRAM = """\
import sys, numpy, flask
from importlib.metadata import version
app = flask.Flask("demo")
app.add_url_rule("/", view_func=lambda: f"1 + 2 + ... + 100 = {numpy.arange(101).sum()}")
print(app.test_client().get("/").text)
print(f"Python {sys.version.split()[0]}, numpy {version('numpy')}, flask {version('flask')}")
print(sys.prefix)
"""


def run_from(prefix: Path) -> str:
    """Run ``python -c`` from ``prefix`` and return what it said, but for its prefix.

    Raises DemoFailed when it fails, or is another prefix's.
    """
    # -B: a prefix is shared and may be being packed; nothing is to be written into it.
    *lines, where = _run(prefix, ["-I", "-B", "-c", _PROGRAM]).splitlines()
    if Path(where).resolve() != prefix.resolve():
        raise DemoFailed(f"{prefix}/bin/python says that its prefix is {where}")
    return "; ".join(lines)


def unpack(archive: Iterable[bytes], target: Path) -> int:
    """Unpack ``archive`` into the new directory ``target``, which is then made to know its place; return its bytes."""
    tar = shutil.which("tar")
    if tar is None:
        raise DemoFailed("there is no tar: install it")
    try:
        target.mkdir(parents=True)
    except FileExistsError:
        raise DemoFailed(f"{target} is there already; remove the demo's directory to begin afresh") from None
    size = 0
    reading, writing = os.pipe()
    # Piped, so that the archive is unpacked while it arrives.
    command = [tar, "-xzf", "-", "-C", os.fspath(target)]
    with subprocess.Popen(command, stdin=reading) as process:  # noqa: S603 - the system's tar
        os.close(reading)
        with open(writing, "wb") as pipe:
            for piece in archive:
                pipe.write(piece)
                size += len(piece)
    if process.returncode != 0:
        raise DemoFailed(f"tar could not unpack the archive into {target} (status {process.returncode})")
    _run(target, [os.fspath(target / "bin" / "conda-unpack")])
    return size


def install(installer: Iterable[bytes], target: Path) -> int:
    """Let ``installer`` make the new directory ``target``, as somebody without a network would; return its bytes."""
    shell = shutil.which("sh")
    if shell is None:
        raise DemoFailed("there is no sh: install a shell")
    script = target.with_name(f"{target.name}.sh")
    script.parent.mkdir(parents=True, exist_ok=True)
    with script.open("wb") as file:
        file.writelines(installer)
    done = subprocess.run(  # noqa: S603 - what was built just now
        [shell, script, "-b", "-p", target], capture_output=True, text=True, check=False, timeout=_TIMEOUT
    )
    if done.returncode != 0:
        raise DemoFailed(f"{script} ended with status {done.returncode}:\n{done.stderr.strip()}")
    return script.stat().st_size


def _run(prefix: Path, arguments: list[str]) -> str:
    python = prefix / "bin" / "python"
    try:
        done = subprocess.run(  # noqa: S603 - the environment that was asked for
            [python, *arguments], env={}, cwd="/", capture_output=True, text=True, check=False, timeout=_TIMEOUT
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise DemoFailed(f"{python} cannot be run: {error}") from error
    if done.returncode != 0:
        raise DemoFailed(f"{python} ended with status {done.returncode}:\n{done.stderr.strip()}")
    return done.stdout
