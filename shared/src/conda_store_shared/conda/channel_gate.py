"""The way to channels that take a token in the path, inside this process, for a client that would tell it on.

A client that follows a redirect names the address it comes from in ``Referer``, token and all, to whoever it is sent
to.  So it asks here, on loopback, below a secret name that lives as long as the process; what is asked goes on with the
token, and redirects are followed here.
"""

import http.client
import secrets
import socketserver
import ssl
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import urljoin, urlsplit

from conda_store_shared.conda.credentials import Credential, place_of

_CONNECT_TIMEOUT = 30.0
_REDIRECTS = 10
_PIECE = 256 * 1024
_MOVED = frozenset({301, 302, 303, 307, 308})
# Headers that belong to one connection, or are made anew for the other.
_OWN = frozenset({"connection", "keep-alive", "transfer-encoding", "host", "te", "trailer", "upgrade", "content-length",
                  "server", "date", "referer", "authorization", "cookie", "set-cookie", "location"})  # fmt: skip


class MovedAway(Exception):
    """Raised when a channel sends one where its token must not go."""

    def __str__(self) -> str:
        return "it sends one on to where its token must not go, or round in circles"


@dataclass(slots=True)
class _Opened:
    connection: http.client.HTTPConnection
    place: tuple[str, str, int | None]


class ChannelGate:
    """Serves on loopback until the process ends."""

    def __init__(self, credentials: Iterable[Credential]) -> None:
        # Why something could not be fetched, last: an answer has no place for it.
        self.fault = ""
        self._known = {secrets.token_hex(16): one for one in credentials}
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.gate = self
        threading.Thread(target=self._server.serve_forever, name="channel-gate", daemon=True).start()

    @cached_property
    def doors(self) -> Mapping[str, str]:
        """Where to ask for what lies below each address: both end in a slash."""
        base = f"http://127.0.0.1:{self._server.server_address[1]}"
        return {f"{one.address}/": f"{base}/{name}/" for name, one in self._known.items()}

    def target(self, path: str) -> tuple[Credential, str] | None:
        """The credential and the plain address of what is asked for; None for whoever does not know a name."""
        name, _, rest = path.lstrip("/").partition("/")
        found = self._known.get(name)
        return (found, f"{found.address}/{rest}") if found else None


class _Server(socketserver.ThreadingMixIn, socketserver.TCPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128
    gate: ChannelGate

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: the client has gone."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Head and body are sent one after the other: the second does not wait until the first is acknowledged.
    disable_nagle_algorithm = True
    server: _Server
    _opened: _Opened | None = None

    def do_GET(self) -> None:
        """Fetch it."""
        asked = self.server.gate.target(self.path)
        if asked is None:
            self._end(HTTPStatus.NOT_FOUND)
            return
        try:
            answer = self._fetch(*asked)
        except (OSError, http.client.HTTPException, MovedAway) as error:
            self.server.gate.fault = str(error) or type(error).__name__
            self._close()
            self._end(HTTPStatus.BAD_GATEWAY)
            return
        self._pass_on(answer)

    def do_HEAD(self) -> None:
        """Ask for it."""
        self.do_GET()

    def _fetch(self, credential: Credential, address: str) -> http.client.HTTPResponse:
        headers = {name: value for name, value in self.headers.items() if name.lower() not in _OWN}
        shown = credential.with_token(address)
        for _ in range(_REDIRECTS):
            answer = self._ask(shown, headers)
            location = answer.headers.get("Location")
            if answer.status not in _MOVED or not location:
                return answer
            answer.read()
            shown = _next(credential, shown, location)
        raise MovedAway

    def _ask(self, address: str, headers: Mapping[str, str]) -> http.client.HTTPResponse:
        reused = self._opened is not None and self._opened.place == place_of(address)
        try:
            return self._ask_once(address, headers)
        except (ConnectionError, http.client.RemoteDisconnected):
            # A connection that was kept may have been closed meanwhile.
            self._close()
            if not reused:
                raise
            return self._ask_once(address, headers)

    def _ask_once(self, address: str, headers: Mapping[str, str]) -> http.client.HTTPResponse:
        parts = urlsplit(address)
        connection = self._connection(address)
        connection.request(self.command, parts._replace(scheme="", netloc="", fragment="").geturl(), headers=headers)
        return connection.getresponse()

    def _connection(self, address: str) -> http.client.HTTPConnection:
        place = place_of(address)
        if self._opened is None or self._opened.place != place:
            self._close()
            self._opened = _Opened(_connect(*place), place)
        return self._opened.connection

    def _pass_on(self, answer: http.client.HTTPResponse) -> None:
        length = answer.headers.get("Content-Length")
        has_body = self.command != "HEAD" and answer.status not in (204, 304)
        in_chunks = has_body and length is None
        self.send_response_only(answer.status)
        for name, value in answer.headers.items():
            if name.lower() not in _OWN:
                self.send_header(name, value)
        if in_chunks:
            self.send_header("Transfer-Encoding", "chunked")
        elif length is not None:
            self.send_header("Content-Length", length)
        self.end_headers()
        if has_body and not self._copy(answer, in_chunks):
            # It was cut short: whoever asked must see that.
            self.close_connection = True
            self._close()
        elif answer.will_close:
            self._close()

    def _copy(self, answer: http.client.HTTPResponse, in_chunks: bool) -> bool:
        """Pass the body on; return whether it was whole."""
        left = answer.length
        try:
            while piece := answer.read(_PIECE):
                self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece) if in_chunks else piece)
                left = left - len(piece) if left is not None else None
            if in_chunks:
                self.wfile.write(b"0\r\n\r\n")
        except (OSError, http.client.HTTPException):
            return False
        return not left

    def _end(self, status: HTTPStatus) -> None:
        self.send_response_only(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _close(self) -> None:
        if self._opened is not None:
            self._opened.connection.close()
            self._opened = None

    def finish(self) -> None:
        """The client is done."""
        self._close()
        super().finish()

    def log_message(self, *_: Any) -> None:
        """Say nothing: what is asked for names the token's place."""


def _connect(scheme: str, host: str, port: int | None) -> http.client.HTTPConnection:
    if scheme == "https":
        context = ssl.create_default_context()
        return http.client.HTTPSConnection(host, port, timeout=_CONNECT_TIMEOUT, context=context)
    return http.client.HTTPConnection(host, port, timeout=_CONNECT_TIMEOUT)


def _next(credential: Credential, shown: str, location: str) -> str:
    """Where a redirect leads; raises MovedAway for plain http, and for another place that is told the token."""
    target = urljoin(shown, location)
    before, after = place_of(shown), place_of(target)
    if after[0] not in ("http", "https") or (before[0], after[0]) == ("https", "http"):
        raise MovedAway
    at_home = after == credential.place
    if credential.token and credential.token in target:
        if not at_home:
            raise MovedAway
        return target
    below = f"{urlsplit(credential.address).path}/"
    return credential.with_token(target) if at_home and urlsplit(target).path.startswith(below) else target
