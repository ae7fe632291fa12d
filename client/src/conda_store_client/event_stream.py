"""Follows a stream of server-sent events across the breaks of its connection."""

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import httpx

from conda_store_client import interruption
from conda_store_client.connection import Connection, Query
from conda_store_client.errors import PASSING, ClientError, RequestRefused
from conda_store_client.event_frames import Frame, FrameReader

# Servers say something every 15 seconds.
_SILENCE = 30.0
_RETRY, _LONGEST_RETRY = 2.0, 15.0
_GROWTH, _MOST_GROWN = 1.5, 10
_MEDIA_TYPE = "text/event-stream"
_UNAUTHORIZED = "unauthorized"
_NO_SUCH_ROUTE = (httpx.codes.NOT_FOUND, httpx.codes.METHOD_NOT_ALLOWED, httpx.codes.NOT_ACCEPTABLE)

Opened = Callable[[httpx.Response], None]


class NoStream(ClientError):
    """Raised when a server has no such stream, or a proxy before it lets none through."""


def _ignore(_message: str) -> None:
    """Tell nobody."""


class EventStream:
    """The events at ``path`` after ``last_id``, each once.

    ``tell`` gets why it is being tried again, ``pause`` waits before that.
    """

    def __init__(
        self,
        connection: Connection,
        path: str,
        query: Query | None = None,
        *,
        last_id: str = "",
        tell: Callable[[str], None] = _ignore,
    ) -> None:
        self._connection = connection
        self._path = path
        self._query = query
        self._tell = tell
        self._reader = FrameReader(last_id=last_id)
        self._failures = 0
        self.is_live = False
        self.pause: Callable[[float], None] = interruption.pause
        self.on_open: Opened | None = None

    def frames(self) -> Iterator[Frame]:
        """Return events until the server says that there are no more.

        Raises NoStream, RequestRefused (also later on, when one may not read any more), and ServerUnreachable or
        ServerUnavailable when it cannot be had at first; later breaks are outlasted.
        """
        was_live = False
        while True:
            is_open = False
            try:
                with self._opened(was_live=was_live) as response:
                    is_open = True
                    if response.status_code == httpx.codes.NO_CONTENT:
                        return
                    for piece in response.iter_bytes():
                        self.is_live = was_live = True
                        self._failures = 0
                        yield from map(_checked, self._reader.read(piece))
            except PASSING as error:
                if not was_live:
                    raise _held_back(error.message) if is_open else error from None
                self._tell(error.message)
            finally:
                self.is_live = False
            if not was_live:
                raise _held_back("It ended at once.")
            self.pause(self._seconds())
            self._reader = FrameReader(last_id=self._reader.last_id, retry=self._reader.retry)

    @contextmanager
    def _opened(self, *, was_live: bool) -> Iterator[httpx.Response]:
        headers = {"Accept": _MEDIA_TYPE, "Cache-Control": "no-store"}
        if self._reader.last_id:
            headers["Last-Event-ID"] = self._reader.last_id
        try:
            with self._connection.stream(self._path, self._query, patience=_SILENCE, headers=headers) as response:
                _require_stream(response, self._path)
                if self.on_open:
                    self.on_open(response)
                yield response
        except RequestRefused as refusal:
            if was_live or refusal.status not in _NO_SUCH_ROUTE:
                raise
            raise _no_stream(self._path) from None

    def _seconds(self) -> float:
        """How long to wait before the next try: longer each time, and not as long as everybody else."""
        base = (self._reader.retry or _RETRY) * _GROWTH ** min(self._failures, _MOST_GROWN)
        self._failures += 1
        return min(base, _LONGEST_RETRY) * random.uniform(0.5, 1)  # noqa: S311  no secret


def _require_stream(response: httpx.Response, path: str) -> None:
    if response.status_code == httpx.codes.NO_CONTENT:
        return
    if response.headers.get("content-type", "").partition(";")[0].strip() != _MEDIA_TYPE:
        raise _no_stream(path)


def _checked(frame: Frame) -> Frame:
    if frame.event == _UNAUTHORIZED:
        raise RequestRefused(
            httpx.codes.UNAUTHORIZED,
            "the stream has ended: your login has expired, or does not allow reading this any more",
            "`conda-store login` logs in again, `conda-store info` shows what you are allowed to do.",
        )
    return frame


def _no_stream(path: str) -> NoStream:
    return NoStream(f"this server has no stream at {path}", "It is an older one, or of another make.")


def _held_back(reason: str) -> NoStream:
    return NoStream(
        "nothing comes through the stream", f"{reason}\nA proxy may hold it back; nginx needs `proxy_buffering off`."
    )
