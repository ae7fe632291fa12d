"""The HTTP client for channels: retries, and shows each channel the credential that is for it alone."""

import json
import secrets
from functools import cached_property, lru_cache

from rattler.networking import AddHeadersMiddleware, Client, MirrorMiddleware, RetryMiddleware

from conda_store_shared.conda.channel_gate import ChannelGate
from conda_store_shared.conda.credentials import CredentialBook, Credentials

_RETRIES = 2
# Stands for the address of a credential between two rewritings of a request; nobody else can name one.
_GATE_FAILED = "502 Bad Gateway"
_MARK = "http://{name}.credential.invalid/"


def channel_access(credentials: Credentials) -> "ChannelAccess":
    """How channels are reached with ``credentials`` (``config.credentials``)."""
    # Kept for the life of the process: reading the certificates takes longer than linking a small environment.
    return _access(json.dumps(credentials, sort_keys=True, default=dict))


@lru_cache(maxsize=4)
def _access(credentials: str) -> "ChannelAccess":
    return ChannelAccess(json.loads(credentials))


class ChannelAccess:
    """The clients of one set of credentials, and what their errors mean."""

    def __init__(self, credentials: Credentials) -> None:
        self.book = CredentialBook(credentials)
        self._clients: dict[tuple[int, int | None], Client] = {}

    def client(self, *, retries: int = _RETRIES, timeout: int | None = None) -> Client:
        """``timeout`` is in seconds for a whole request; without one a request takes as long as it takes."""
        key = (retries, timeout)
        if key not in self._clients:
            self._clients[key] = Client([RetryMiddleware(retries), *self._middlewares()], timeout=timeout)
        return self._clients[key]

    def plain(self, text: str) -> str:
        """An error's text with the addresses that were meant."""
        if self._gate is None:
            return text
        for address, door in self._gate.doors.items():
            text = text.replace(door, address)
        return f"{text}\nCaused by: {self._gate.fault}" if _GATE_FAILED in text and self._gate.fault else text

    @cached_property
    def _gate(self) -> ChannelGate | None:
        tokens = [one for one in self.book.entries if one.token is not None]
        return ChannelGate(tokens) if tokens else None

    def _middlewares(self) -> list[object]:
        """Requests below an address are marked, get the header of the mark, and go to the address after all.

        Headers are given by host and path alone, while whom one speaks to is told by scheme and port as well; what is
        rewritten is compared as a whole.
        """
        shown = [one for one in self.book.entries if one.authorization is not None]
        marks = {_MARK.format(name=secrets.token_hex(16)): one for one in shown}
        headers = {mark.split("/")[2]: {"Authorization": str(one.authorization)} for mark, one in marks.items()}
        there = {f"{one.address}/": [mark] for mark, one in marks.items()}
        if self._gate is not None:
            there |= {address: [door] for address, door in self._gate.doors.items()}
        if not there:
            return []
        return [
            MirrorMiddleware(there),
            AddHeadersMiddleware(lambda host, _path: headers.get(host)),
            MirrorMiddleware({mark: [f"{one.address}/"] for mark, one in marks.items()}),
        ]
