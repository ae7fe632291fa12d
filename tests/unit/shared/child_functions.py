"""What the tests of the child pool let a child do."""

import asyncio
import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from conda_store_shared.child.report import Report
from conda_store_shared.errors import StageFailure
from conda_store_shared.telemetry import told

_kept: dict[str, Any] = {}


def add(arguments: dict[str, Any], report: Report) -> dict[str, Any]:
    return {"sum": sum(arguments["numbers"]), "pid": os.getpid()}


def look_up(arguments: dict[str, Any], report: Report) -> None:
    told.looked_up("packages", arguments["hits"], arguments["misses"])


def environment(arguments: dict[str, Any], report: Report) -> dict[str, Any]:
    return dict(os.environ)


def speak(arguments: dict[str, Any], report: Report) -> dict[str, Any]:
    report.log("first\nsecond")
    print("printed")  # noqa: T201
    subprocess.run(["/bin/sh", "-c", "echo from a grandchild; echo to stderr >&2"], check=True)
    os.write(1, b"bad \xff\x00 bytes\n" + b"x" * 100_000 + b"\nhttps://me:secret@host/t/token/x\nunfinished")
    for done in range(1, 1001):
        report.progress(done, 1000, "packages")
    return {}


def fail(arguments: dict[str, Any], report: Report) -> dict[str, Any]:
    kind = arguments["kind"]
    if kind == "stage_failure":
        raise StageFailure("unsatisfiable", "no numpy\n└─ at all", transient=True)
    if kind == "disk_full":
        try:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError as error:
            raise ExceptionGroup("while writing", [RuntimeError("could not write")]) from error
    if kind == "disk_full_text":
        raise RuntimeError("failed to link: No space left on device (os error 28)")
    if kind == "memory":
        raise MemoryError
    if kind == "exit":
        sys.exit("enough")
    raise LookupError("nothing there")


def unspeakable(arguments: dict[str, Any], report: Report) -> dict[str, Any]:
    return {"result": object()}


def leave(arguments: dict[str, Any], report: Report) -> dict[str, Any]:
    os._exit(3)


async def remember(arguments: dict[str, Any], report: Report) -> dict[str, Any]:
    """Whether the loop of an earlier call still serves."""
    loop = asyncio.get_running_loop()
    known = _kept.setdefault("loop", loop) is loop
    lock = _kept.setdefault("lock", asyncio.Lock())
    async with lock:
        await asyncio.sleep(0)
    return {"same_loop": known, "pid": os.getpid()}


async def query_channel(arguments: dict[str, Any], report: Report) -> dict[str, Any]:
    """Names in a channel, by one gateway kept over calls; the modules were imported before the fork."""
    rattler = sys.modules["rattler"]
    gateway = _kept.get("gateway")
    warm = gateway is not None
    if gateway is None:
        gateway = _kept["gateway"] = rattler.Gateway(cache_dir=arguments["cache"])
    names = await gateway.names([rattler.Channel(arguments["channel"])], ["linux-64"])
    return {"names": sorted(name.normalized for name in names), "warm": warm}


def sleep(arguments: dict[str, Any], report: Report) -> dict[str, Any]:
    """Sleep beside a grandchild in the same group, one in its own session, and a daemon; logs when all run."""
    subprocess.Popen(["sleep", "600"])
    subprocess.Popen(["sleep", "600"], start_new_session=True, stdout=subprocess.DEVNULL)
    _start_daemon()
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    report.log("asleep")
    time.sleep(600)
    return {}


def _start_daemon() -> None:
    """A process that leaves group, session and parent."""
    if (pid := os.fork()) == 0:
        os.setsid()
        if os.fork() == 0:
            os.execlp("sleep", "sleep", "600")
        os._exit(0)
    os.waitpid(pid, 0)


def leave_behind(arguments: dict[str, Any], report: Report) -> dict[str, Any]:
    subprocess.Popen(["sleep", "600"], start_new_session=True)
    return {"pid": os.getpid()}


def eat(arguments: dict[str, Any], report: Report) -> dict[str, Any]:
    """Hold memory: here, or in a grandchild."""
    if arguments.get("elsewhere"):
        code = f"import time; b = b'x' * {arguments['bytes']}; time.sleep(600)"
        subprocess.run([sys.executable, "-I", "-S", "-c", code], check=True)
    _kept["bytes"] = b"x" * arguments["bytes"]
    time.sleep(arguments.get("seconds", 0))
    return {"pid": os.getpid()}


def meet(arguments: dict[str, Any], report: Report) -> dict[str, Any]:
    """Return once the other one is there, too: only calls that run at the same time can."""
    Path(arguments["mine"]).touch()
    while not Path(arguments["other"]).exists():
        time.sleep(0.005)
    return {}
