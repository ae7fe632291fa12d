"""Wakes whoever waits for a build, as soon as its server tells that something happened to it."""

import contextlib
import socket
import threading
from types import TracebackType
from typing import Self

import httpx

from conda_store_client import interruption
from conda_store_client.connection import Connection
from conda_store_client.errors import ClientError
from conda_store_client.event_stream import EventStream

# However reliable a stream is, somebody looks for themselves now and then.
_LONGEST_TRUST = 30.0
# Nor does somebody trust it who has just failed to look.
_IN_A_HURRY = 1.0
_END_SECONDS = 1.0


class _Stopped(Exception):
    """Raised where it would be tried again."""


class BuildNews:
    """Reads the events of a build in the background from the first ``wait`` on, and for as long as it is entered.

    Where there is no such stream, or it breaks, waiting is mere waiting.
    """

    def __init__(self, connection: Connection, build_id: int) -> None:
        self._stream = EventStream(connection, f"/api/v1/build/{build_id}/events/")
        self._stream.pause = self._pause
        self._stream.on_open = self._keep_socket
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._happened = threading.Event()
        self._stopped = threading.Event()
        self._socket: socket.socket | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stopped.set()
        if self._socket and self._thread.is_alive():
            # What waits for the next word from the server is told that there will be none.
            with contextlib.suppress(OSError):
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)
            self._thread.join(_END_SECONDS)

    def wait(self, interval: float, limit: float) -> None:
        """Return when something may have happened: when told so, else after ``interval`` seconds.

        While the server tells, and nobody is in a hurry, that takes longer, and never more than ``limit`` seconds.
        """
        if self._thread.ident is None:
            self._thread.start()
        trusts = self._stream.is_live and interval > _IN_A_HURRY
        self._happened.wait(min(max(interval, _LONGEST_TRUST) if trusts else interval, limit))
        self._happened.clear()
        interruption.pause(0)

    def _read(self) -> None:
        try:
            for _ in self._stream.frames():
                self._happened.set()
        except (ClientError, _Stopped):
            pass
        # Whatever was the end of it, somebody should look.
        self._happened.set()

    def _pause(self, seconds: float) -> None:
        if self._stopped.wait(seconds):
            raise _Stopped

    def _keep_socket(self, response: httpx.Response) -> None:
        self._socket = response.extensions["network_stream"].get_extra_info("socket")
        if self._stopped.is_set():
            raise _Stopped
