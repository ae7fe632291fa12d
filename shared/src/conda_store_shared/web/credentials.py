"""The credentials a request shows, and whether the one a browser adds by itself may count."""

import base64
import binascii
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.requests import HTTPConnection

from conda_store_shared.web.tokens import MAXIMUM_TOKEN_LENGTH

_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
# A user's name and a token, in base64.
_LONGEST_VALUE = 2 * MAXIMUM_TOKEN_LENGTH
_USUAL_PORTS = {"http": ":80", "https": ":443"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """A token that came in a cookie, which browsers send unasked, or in the Authorization header."""

    text: str
    in_cookie: bool


def credentials_of(connection: HTTPConnection, cookie_name: str) -> Iterator[Credential]:
    """Yield the tokens a request shows: cookie, then the Authorization header (Basic's password, or Bearer)."""
    cookie = connection.cookies.get(cookie_name)
    if cookie:
        yield Credential(text=cookie, in_cookie=True)
    token = _token_of(connection.headers.get("authorization", ""))
    if token:
        yield Credential(text=token, in_cookie=False)


def _token_of(header: str) -> str:
    scheme, _, value = header.strip().partition(" ")
    value = value.strip()
    if len(value) > _LONGEST_VALUE:
        return ""
    if scheme.lower() == "bearer":
        return value
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(value, validate=True).decode().partition(":")[2]
        except (binascii.Error, ValueError):
            pass
    return ""


class OwnPages:
    """Tells the requests of our own pages from those that somebody else's page makes a browser send.

    ``origins`` and those that ``pattern`` matches may act for the user too (the CORS options); ``*`` among them lets
    everybody read, and nobody else write.
    """

    def __init__(self, origins: Sequence[str] = (), pattern: str | None = None) -> None:
        self._origins = frozenset(origins)
        self._pattern = re.compile(pattern) if pattern else None

    def sent(self, connection: HTTPConnection) -> bool:
        """Whether a request changes nothing, or is not sent by a browser from a page of somebody else."""
        if connection.scope.get("method", "GET") in _SAFE_METHODS:
            return True
        headers = connection.headers
        origin = headers.get("origin")
        if origin is not None and self._is_trusted(origin):
            return True
        site = headers.get("sec-fetch-site")
        if site is not None:
            return site in ("same-origin", "none")
        # Every browser names the origin of a write; what names none is a program.
        return origin is None or _is_of(origin, headers.get("host", ""))

    def _is_trusted(self, origin: str) -> bool:
        return origin in self._origins or bool(self._pattern and self._pattern.fullmatch(origin))


def _is_of(origin: str, host: str) -> bool:
    """Whether an origin is that of the host a request was sent to.

    The scheme is left out: behind a proxy that speaks TLS, not everybody tells it to us.
    """
    try:
        parts = urlsplit(origin)
    except ValueError:
        return False
    port = _USUAL_PORTS.get(parts.scheme, "")
    return bool(parts.netloc) and parts.netloc.lower().removesuffix(port) == host.lower().removesuffix(port)
