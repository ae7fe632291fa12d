"""The HTTP server of a process: uvicorn, without its signal handling, stopping when its task is cancelled."""

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from dataclasses import dataclass

import uvicorn
from starlette.applications import Starlette

from conda_store_shared.errors import ConfigurationError
from conda_store_shared.web.forwarded import NOBODY, Forwarded, TrustedProxies
from conda_store_shared.web.open_streams import open_streams_of

_BACKLOG = 1024
_STOP_SECONDS = 5
# Longer than proxies keep an idle connection (a minute, usually): who hangs up first must not be the one that is asked.
_IDLE_SECONDS = 75


@dataclass(frozen=True, slots=True, kw_only=True)
class Listening:
    """Where to listen; the X-Forwarded-* headers of ``proxies`` are believed."""

    address: str
    port: int
    proxies: TrustedProxies = NOBODY


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals to the process, which stops more than this server."""
        yield


def _bind(listening: Listening) -> socket.socket:
    family = socket.AF_INET6 if ":" in listening.address else socket.AF_INET
    # With the protocol named asyncio sends what is small at once, as uvloop does in any case.
    bound = socket.socket(family, proto=socket.IPPROTO_TCP)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((listening.address, listening.port))
    except OSError as error:
        bound.close()
        place = f"{listening.address} port {listening.port}"
        raise ConfigurationError(f"cannot listen on {place}: {error.strerror}; set CondaStoreServer.port") from error
    bound.listen(_BACKLOG)
    return bound


async def serve(application: Starlette, listening: Listening) -> None:
    """Serve until cancelled; raises ConfigurationError when the address cannot be had."""
    bound = _bind(listening)
    server = _Server(
        uvicorn.Config(
            application if listening.proxies == NOBODY else Forwarded(application, listening.proxies),
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=_IDLE_SECONDS,
            timeout_graceful_shutdown=_STOP_SECONDS,
        )
    )
    serving = asyncio.create_task(server.serve(sockets=[bound]))
    try:
        await asyncio.shield(serving)
    finally:
        server.should_exit = True
        # They would go on for ever, and their readers find another server meanwhile.
        open_streams_of(application).close()
        await asyncio.wait([serving], timeout=_STOP_SECONDS + 1)
