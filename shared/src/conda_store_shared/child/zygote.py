"""The zygote: imports once, stays single threaded, forks children on request, and ends them with all they started."""

import contextlib
import gc
import importlib
import json
import os
import select
import signal
import socket
import threading
import time
from collections import deque
from types import FrameType

from conda_store_shared.child import processes
from conda_store_shared.child.calls import Seat, serve_calls
from conda_store_shared.child.protocol import Frame, FrameBuffer, encode

_CLOSE_ON_EXEC = getattr(socket, "MSG_CMSG_CLOEXEC", 0)
_TICK = 0.003
# A process the kernel cannot end (dead network disk) must not hold back word of the others.
_PATIENCE = 1.5


def main(arguments: list[str]) -> None:
    """Serve until the parent is gone; ``arguments``: control socket, lifeline, names of modules as JSON."""
    control = socket.socket(fileno=int(arguments[0]))
    lifeline = int(arguments[1])
    for descriptor in (control.fileno(), lifeline):
        os.set_inheritable(descriptor, False)
    # What is imported is no garbage: looking for some would take a fifth of the time.
    gc.disable()
    try:
        for module in json.loads(arguments[2]):
            importlib.import_module(module)
    except ImportError as error:
        _say(control, {"unready": str(error)})
        return
    gc.collect()
    gc.freeze()
    gc.enable()
    if not _say(control, {"ready": True, "threads": _thread_count()}):
        return
    seat = Zygote(control, lifeline).serve()
    if seat is not None:
        serve_calls(seat)


def _say(control: socket.socket, frame: Frame) -> bool:
    """Tell the parent; False when it is gone, as after a start that failed elsewhere."""
    try:
        control.sendall(encode(frame))
    except ConnectionError:
        return False
    return True


def _thread_count() -> int:
    with contextlib.suppress(OSError):
        return len(os.listdir("/proc/self/task"))
    return threading.active_count()


def _pass_over(_number: int, _frame: FrameType | None) -> None:
    """Stay: the parent decides when its children end."""


class Zygote:
    """The loop of the zygote: requests from ``control``, deaths by SIGCHLD."""

    def __init__(self, control: socket.socket, lifeline: int) -> None:
        self._control = control
        self._lifeline = lifeline
        # Nobody writes: children see its end when this process is gone.
        self._heartline, self._heart = os.pipe()
        self._wake, self._waker = socket.socketpair()
        self._buffer = FrameBuffer()
        self._descriptors: deque[int] = deque()
        self._children: dict[int, int] = {}
        self._dying: dict[int, float] = {}
        self._ended: list[tuple[float, Frame]] = []

    def serve(self) -> Seat | None:
        """Return None when the parent is gone, and in each forked child its seat."""
        self._settle()
        while True:
            waits = bool(self._dying or self._ended)
            readable, _, _ = select.select([self._control, self._wake], [], [], _TICK if waits else None)
            if self._wake in readable:
                self._wake.recv(4096)
            if self._control in readable and not self._receive():
                self._end_all()
                return None
            while (frame := self._buffer.pop()) is not None:
                seat = self._obey(frame)
                if seat is not None:
                    return seat
            self._reap()
            self._end_dying()
            self._tell_ended()

    def _settle(self) -> None:
        processes.become_subreaper()
        self._wake.setblocking(False)
        self._waker.setblocking(False)
        signal.set_wakeup_fd(self._waker.fileno(), warn_on_full_buffer=False)
        # Handlers, not SIG_IGN, which would be handed down through exec: a service manager that sends SIGTERM to all
        # processes of a service must not end the work its main process wants to finish.
        for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, _pass_over)

    def _receive(self) -> bool:
        try:
            received, descriptors, _, _ = socket.recv_fds(self._control, 65536, 8, _CLOSE_ON_EXEC)
        except ConnectionResetError:
            return False
        for descriptor in descriptors:
            os.set_inheritable(descriptor, False)
        self._descriptors += descriptors
        self._buffer.feed(received)
        return bool(received)

    def _obey(self, frame: Frame) -> Seat | None:
        if "fork" in frame:
            return self._fork(frame["fork"])
        for pid, number in self._children.items():
            if number == frame["kill"]:
                self._dying[pid] = time.monotonic() + _PATIENCE
                # Stopped it starts nothing more, and still adopts the orphans of what it started.
                os.kill(pid, signal.SIGSTOP)
        return None

    def _fork(self, number: int) -> Seat | None:
        requests, log = self._descriptors.popleft(), self._descriptors.popleft()
        try:
            pid = os.fork()
        except OSError as error:
            pid = -1
            self._send({"refused": number, "detail": str(error)})
        if pid == 0:
            return self._become_child(requests, log)
        os.close(requests)
        os.close(log)
        if pid > 0:
            self._children[pid] = number
            self._send({"forked": number, "pid": pid})
        return None

    def _become_child(self, requests: int, log: int) -> Seat:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.close(self._heart)
        for end in (self._control, self._wake, self._waker):
            end.close()
        return Seat(socket.socket(fileno=requests), log, (self._lifeline, self._heartline))

    def _reap(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            number = self._children.pop(pid, None)
            if number is None:
                continue
            self._dying.pop(pid, None)
            if not processes.LINUX:
                processes.kill_group(pid)
            frame = {"exited": number, "status": os.waitstatus_to_exitcode(status)}
            self._ended.append((time.monotonic() + _PATIENCE, frame))

    def _end_dying(self) -> None:
        now = time.monotonic()
        for pid, patience in self._dying.items():
            started = processes.descendants(pid)
            processes.kill(started)
            if not started or now > patience:
                processes.kill_group(pid)

    def _tell_ended(self) -> None:
        """Say that a child ended once nothing it started is left: its orphans have fallen to this process."""
        if not self._ended:
            return
        orphans = [pid for pid in processes.children(os.getpid()) if pid not in self._children]
        processes.kill(orphans)
        now = time.monotonic()
        for patience, frame in list(self._ended):
            if not orphans or now > patience:
                self._ended.remove((patience, frame))
                self._send(frame)

    def _end_all(self) -> None:
        """The parent is gone: end everything, within the patience."""
        patience = time.monotonic() + _PATIENCE
        for pid in self._children:
            os.kill(pid, signal.SIGSTOP)
        while self._children and time.monotonic() < patience:
            for pid in self._children:
                self._dying.setdefault(pid, patience)
            self._end_dying()
            time.sleep(_TICK)
            self._reap()
        while (orphans := processes.children(os.getpid())) and time.monotonic() < patience:
            processes.kill(orphans)
            time.sleep(_TICK)
            self._reap()

    def _send(self, frame: Frame) -> None:
        # A parent that is gone is noticed by the next select.
        with contextlib.suppress(OSError):
            self._control.sendall(encode(frame))
