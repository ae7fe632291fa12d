"""The parent's end of a socket that carries frames."""

import asyncio
import contextlib
import socket

from conda_store_shared.child.protocol import Frame, FrameBuffer, encode


class Channel:
    """Frames in and out, without blocking the event loop; one reader and one writer at a time."""

    def __init__(self, end: socket.socket) -> None:
        end.setblocking(False)
        self._end = end
        self._buffer = FrameBuffer()

    async def send(self, frame: Frame) -> None:
        """Send; that the other side is gone is told by ``receive`` alone."""
        with contextlib.suppress(ConnectionError):
            await asyncio.get_running_loop().sock_sendall(self._end, encode(frame))

    def send_now(self, frame: Frame, descriptors: list[int]) -> None:
        """Send a small frame with descriptors at once.  Raises OSError when the other side is gone or is stuck."""
        socket.send_fds(self._end, [encode(frame)], descriptors)

    async def receive(self) -> Frame | None:
        """The next frame, or None when the other side is gone.  Raises BrokenStream."""
        loop = asyncio.get_running_loop()
        while (frame := self._buffer.pop()) is None:
            try:
                received = await loop.sock_recv(self._end, 262144)
            except ConnectionError:
                return None
            if not received:
                return None
            self._buffer.feed(received)
        return frame

    def close(self) -> None:
        """Close; nobody may be receiving."""
        self._end.close()
