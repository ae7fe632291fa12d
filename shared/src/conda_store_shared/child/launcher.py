"""The parent's view of the zygote and of the children it forks."""

import asyncio
import contextlib
import itertools
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from typing import Self

from conda_store_shared.child import processes
from conda_store_shared.child.channel import Channel
from conda_store_shared.child.log_pipe import LogPipe
from conda_store_shared.child.protocol import Frame

# Nothing else of the service's environment reaches a child: it may hold credentials.
_INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "LD_LIBRARY_PATH", "SSL_CERT_FILE",
              "SSL_CERT_DIR", "RUST_LOG")  # fmt: skip
_INHERITED_PREFIXES = ("XDG_", "PYTHON")
_START_TIMEOUT = 60.0
_FORK_TIMEOUT = 15.0
_END_TIMEOUT = 2.0
_ORPHANS_TIMEOUT = 1.0
_TICK = 0.01


class ZygoteLost(Exception):
    """Raised when the zygote cannot be started, does not answer, or is gone."""


class Child:
    """One forked child; ``spent`` is set when it takes no more calls, ``gone`` once it and all it started are."""

    def __init__(self, zygote: "ZygoteProcess", number: int, requests: Channel, log: LogPipe) -> None:
        self.number = number
        self.requests = requests
        self.log = log
        self.pid = 0
        self.birth: str | None = None
        self.calls = 0
        self.busy = False
        self.status: int | None = None
        self.spent = asyncio.Event()
        self.gone = asyncio.Event()
        self._zygote = zygote

    def forked(self, pid: int) -> None:
        """The zygote says which process it is."""
        self.pid, self.birth = pid, processes.birth(pid)

    def ended(self, status: int | None) -> None:
        """It is gone; ``status`` is negative for a signal, None when nobody could tell."""
        self.status = status
        self.log.detach()
        self.log.close()
        self.spent.set()
        self.gone.set()
        self.release()

    def release(self) -> None:
        """Close what is left of it, unless a call still reads."""
        if self.gone.is_set() and not self.busy:
            self.requests.close()

    async def end(self) -> None:
        """End it and all it started; returns when they are gone, or after at most 4 seconds."""
        self.spent.set()
        if not self.gone.is_set():
            await self._zygote.kill(self)


class ZygoteProcess:
    """A running zygote; ``follow`` must run for the others to get their answers."""

    def __init__(self, process: subprocess.Popen[bytes], control: Channel, lifeline: int) -> None:
        self.pid = process.pid
        self.threads = 0
        self._process = process
        self._control = control
        self._lifeline = lifeline
        self._numbers = itertools.count(1)
        self._children: dict[int, Child] = {}
        self._forks: dict[int, asyncio.Future[Child]] = {}
        self._open = True

    @classmethod
    async def start(cls, preload: tuple[str, ...], environment: Mapping[str, str]) -> Self:
        """Start one and wait until it has imported ``preload``.  Raises ZygoteLost."""
        parent_end, zygote_end = socket.socketpair()
        lifeline, held = os.pipe()
        with zygote_end:
            process = _spawn([zygote_end.fileno(), lifeline], preload, environment)
        os.close(lifeline)
        zygote = cls(process, Channel(parent_end), held)
        try:
            async with asyncio.timeout(_START_TIMEOUT):
                first = await zygote._control.receive()
        except BaseException as error:
            await zygote.stop()
            if isinstance(error, TimeoutError):
                raise ZygoteLost(f"the zygote was not ready within {_START_TIMEOUT:g} s") from error
            raise
        if first is None or "ready" not in first:
            await zygote.stop()
            reason = "it ended" if first is None else first["unready"]
            raise ZygoteLost(f"the zygote could not start: {reason}")
        zygote.threads = first["threads"]
        return zygote

    async def follow(self) -> None:
        """Pass on what the zygote says until it is gone; then see that its children are gone, too."""
        while (frame := await self._control.receive()) is not None:
            self._note(frame)
        self._open = False
        for waiting in self._forks.values():
            if not waiting.done():
                waiting.set_exception(ZygoteLost("the zygote is gone"))
        orphans = [child for child in self._children.values() if child.pid]
        await _end_orphans(orphans)
        for child in orphans:
            child.ended(None)
        self._children.clear()

    async def fork(self) -> Child:
        """A new child, ready for calls.  Raises ZygoteLost."""
        number = next(self._numbers)
        try:
            parent_end, child_end = socket.socketpair()
            output, log = os.pipe()
        except OSError as error:
            # No descriptors are left; some may be again later.
            raise ZygoteLost(f"cannot talk to another child: {error!r}") from error
        child = Child(self, number, Channel(parent_end), LogPipe(output))
        answer: asyncio.Future[Child] = asyncio.get_running_loop().create_future()
        self._children[number], self._forks[number] = child, answer
        try:
            if not self._open:
                raise ZygoteLost("the zygote is gone")
            self._control.send_now({"fork": number}, [child_end.fileno(), log])
            async with asyncio.timeout(_FORK_TIMEOUT):
                return await answer
        except (OSError, TimeoutError) as error:
            self.abandon()
            raise ZygoteLost(f"the zygote does not answer: {error!r}") from error
        finally:
            child_end.close()
            os.close(log)
            del self._forks[number]
            if child.pid == 0:
                self._children.pop(number, None)
                child.ended(None)

    async def kill(self, child: Child) -> None:
        """What ``Child.end`` does."""
        with contextlib.suppress(OSError):
            self._control.send_now({"kill": child.number}, [])
        try:
            async with asyncio.timeout(_END_TIMEOUT):
                await child.gone.wait()
        except TimeoutError:
            await _end_orphans([child])
            if not processes.is_alive(child.pid):
                # It is gone and the zygote did not notice: the zygote is out of order.
                self.abandon()

    def abandon(self) -> None:
        """End the zygote by force; its children follow it."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()

    async def stop(self) -> None:
        """Let it end its children and itself; force it if it does not.  ``follow`` must not be running."""
        self._open = False
        self._control.close()
        deadline = time.monotonic() + _END_TIMEOUT
        while self._process.poll() is None:
            if time.monotonic() > deadline:
                self.abandon()
            await asyncio.sleep(_TICK)
        if self._lifeline >= 0:
            os.close(self._lifeline)
            self._lifeline = -1
        children = [child for child in self._children.values() if child.pid]
        await _end_orphans(children)
        for child in children:
            child.ended(None)

    def _note(self, frame: Frame) -> None:
        if "forked" in frame:
            number, pid = frame["forked"], frame["pid"]
            answer = self._forks.get(number)
            if answer is None or answer.done():
                return
            self._children[number].forked(pid)
            answer.set_result(self._children[number])
        elif "refused" in frame:
            answer = self._forks.get(frame["refused"])
            if answer is not None and not answer.done():
                answer.set_exception(ZygoteLost(f"cannot fork: {frame['detail']}"))
        elif (child := self._children.pop(frame["exited"], None)) is not None:
            child.ended(frame["status"])


def _spawn(descriptors: list[int], preload: tuple[str, ...], environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    inherited = {
        name: value for name, value in os.environ.items() if name in _INHERITED or name.startswith(_INHERITED_PREFIXES)
    }
    # -P: the working directory is nobody's place for modules.
    command = [sys.executable, "-P", "-m", "conda_store_shared.child", *map(str, descriptors), json.dumps(preload)]
    return subprocess.Popen(  # noqa: S603 - our own interpreter and module
        command,
        stdin=subprocess.DEVNULL,
        stdout=2,
        env=inherited | dict(environment),
        pass_fds=descriptors,
        # A terminal's Ctrl-C is for the service, which ends its children in order.
        start_new_session=True,
    )


async def _end_orphans(children: list[Child]) -> None:
    """End what the zygote can no longer; a process that only has the same id is left alone."""
    marks = {child.pid: child.birth for child in children}
    began = time.monotonic()
    while left := {pid for pid, mark in marks.items() if processes.is_alive(pid) and processes.birth(pid) == mark}:
        late = time.monotonic() - began
        if late > _ORPHANS_TIMEOUT:
            return
        for child in (one for one in children if one.pid in left):
            with contextlib.suppress(ProcessLookupError):
                os.kill(child.pid, signal.SIGSTOP)
            started = processes.descendants(child.pid)
            marks |= {pid: processes.birth(pid) for pid in started}
            processes.kill(started)
            if not started or late > _ORPHANS_TIMEOUT / 2:
                processes.kill_group(child.pid)
        await asyncio.sleep(_TICK)
