"""Addresses that names lead to, each of them checked: where names are looked up, and again where sockets are made."""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Callable, Sequence
from functools import partial
from ipaddress import ip_address
from typing import Any

from aiohttp.abc import AbstractResolver, ResolveResult

from conda_store_api.domain.webhook_address import Network, is_allowed_address

AddressInfo = tuple[Any, ...]
LookUp = Callable[[str, int], Sequence[AddressInfo]]


class AddressNotAllowed(OSError):
    """Raised for an address to which nothing may be sent."""


def look_up(host: str, port: int) -> Sequence[AddressInfo]:
    """Return where a name leads, as the system says; takes as long as the system likes."""
    return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)


class CheckedSockets:
    """Makes sockets for addresses that are allowed; aiohttp connects them to the very address it shows here.

    Raises AddressNotAllowed for others, whether they stand in the url or a name leads there.
    """

    def __init__(self, allowed_networks: Sequence[Network]) -> None:
        self._allowed = allowed_networks

    def __call__(self, info: AddressInfo) -> socket.socket:
        """Return a socket for an address."""
        family, kind, protocol, _, address = info
        if not self.is_allowed(address):
            raise AddressNotAllowed
        return socket.socket(family, kind, protocol)

    def is_allowed(self, address: Sequence[Any]) -> bool:
        """Whether something may be sent to an address of a socket; one with a zone is of the local network."""
        zone = address[3] if len(address) > len(("host", "port", "flow")) else 0
        try:
            return not zone and is_allowed_address(ip_address(address[0]), self._allowed)
        except ValueError:
            # A name, which the system would look up again.
            return False


class CheckedResolver(AbstractResolver):
    """Looks names up in threads of its own, and keeps back the addresses that are not allowed.

    The loop has few threads for that: names that nobody answers for would hold up all other look-ups of the process.
    """

    def __init__(self, sockets: CheckedSockets, look_up: LookUp) -> None:
        self._sockets = sockets
        self._look_up = look_up
        self._running: dict[tuple[str, int], asyncio.Future[Sequence[AddressInfo]]] = {}

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Return where a name leads; raises OSError, and AddressNotAllowed when it leads to nothing that is allowed."""
        infos = await self._found(host, port)
        addresses = [info for info in infos if self._sockets.is_allowed(info[4])]
        if not addresses:
            raise AddressNotAllowed if infos else OSError("the name leads nowhere")
        return [
            ResolveResult(
                hostname=host, host=info[4][0], port=port, family=info[0], proto=info[2], flags=socket.AI_NUMERICHOST
            )
            for info in addresses
        ]

    async def close(self) -> None:
        """Nothing is open."""

    async def _found(self, host: str, port: int) -> Sequence[AddressInfo]:
        key = (host, port)
        future = self._running.get(key)
        if future is None:
            future = self._running[key] = asyncio.get_running_loop().create_future()
            future.add_done_callback(lambda done: self._forget(key, done))
            # Nobody waits for it when the process stops.
            threading.Thread(target=self._find, args=(*key, future), name="webhook look-up", daemon=True).start()
        return await asyncio.shield(future)

    def _forget(self, key: tuple[str, int], done: asyncio.Future[Sequence[AddressInfo]]) -> None:
        del self._running[key]
        # Whoever asked may have gone, and an error that nobody takes is complained of.
        done.exception()

    def _find(self, host: str, port: int, future: asyncio.Future[Sequence[AddressInfo]]) -> None:
        try:
            tell = partial(future.set_result, self._look_up(host, port))
        except OSError as error:
            tell = partial(future.set_exception, error)
        except ValueError as error:
            # A name that cannot be put into a question.
            tell = partial(future.set_exception, OSError(str(error)))
        with contextlib.suppress(RuntimeError):
            # The loop may be closed by now.
            future.get_loop().call_soon_threadsafe(tell)
