"""The demo channel over HTTP, with the validators that caches of repodata depend on."""

import argparse
import os
import socket
import sys
import threading
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import uvicorn
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MOUNT = "/demo-channel"
START_TIMEOUT = 10.0
REMEMBERED_REQUESTS = 10_000


@dataclass(frozen=True, slots=True)
class ServedRequest:
    """One request the server answered."""

    method: str
    path: str
    status: int


class ChannelFiles(StaticFiles):
    """Files that a client may keep but must ask about: without this, new packages stay hidden for minutes."""

    def file_response(
        self,
        full_path: str | os.PathLike[str],
        stat_result: os.stat_result,
        scope: Scope,
        status_code: int = 200,
    ) -> Response:
        """The file or a 304, both with ETag and Last-Modified."""
        response = super().file_response(full_path, stat_result, scope, status_code)
        response.headers["Cache-Control"] = "max-age=0"
        return response


class ChannelServer:
    """Serves a channel directory on 127.0.0.1 from a thread of its own, as long as it is entered.

    ``port`` 0 takes a free one; ``url`` is the channel's address; ``requests`` are those answered so far, oldest first.
    """

    def __init__(self, channel: Path, *, port: int = 0) -> None:
        self.requests: deque[ServedRequest] = deque(maxlen=REMEMBERED_REQUESTS)
        application = Starlette(routes=[Mount(MOUNT, ChannelFiles(directory=channel))])
        self._server = uvicorn.Server(
            uvicorn.Config(
                self._recorded(application),
                log_config=None,
                lifespan="off",
                access_log=False,
                timeout_graceful_shutdown=2,
            )
        )
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind(("127.0.0.1", port))
        self._thread = threading.Thread(target=self.serve, name="demo-channel", daemon=True)

    @property
    def url(self) -> str:
        """The channel's URL, without a slash at the end."""
        return f"http://127.0.0.1:{self._socket.getsockname()[1]}{MOUNT}"

    def serve(self) -> None:
        """Answer until told to stop, in the calling thread."""
        self._server.run(sockets=[self._socket])

    def __enter__(self) -> Self:
        # From here on connections wait in the socket's backlog until the thread accepts them.
        self._socket.listen(128)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.should_exit = True
        self._thread.join(START_TIMEOUT)
        self._socket.close()

    def _recorded(self, application: ASGIApp) -> ASGIApp:
        async def answer(scope: Scope, receive: Receive, send: Send) -> None:
            async def record(message: Message) -> None:
                if message["type"] == "http.response.start":
                    self.requests.append(ServedRequest(scope["method"], scope["path"], message["status"]))
                await send(message)

            await application(scope, receive, record)

        return answer


def main() -> int:
    """Serve a channel until interrupted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--channel", type=Path, required=True)
    parser.add_argument("--port", type=int, default=0)
    arguments = parser.parse_args()
    server = ChannelServer(arguments.channel, port=arguments.port)
    sys.stdout.write(f"demo channel: serving {arguments.channel} at {server.url}\n")
    sys.stdout.flush()
    server.serve()
    return 0


if __name__ == "__main__":
    sys.exit(main())
