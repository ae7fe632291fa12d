"""A web server of channels and package indexes that demands credentials, each part of it of another kind."""

import base64
import ssl
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import unquote

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID


@dataclass(frozen=True, slots=True, kw_only=True)
class Secrets:
    """What is demanded below ``/token/`` (as ``/t/<token>/token/``), ``/basic/``, ``/bearer/`` and ``/raw/``."""

    token: str = "tk-open-sesame"
    username: str = "rb-open-sesame"
    password: str = "pw-open/sesame:1"
    bearer: str = "br-open-sesame"
    raw: str = "Token raw-open-sesame"

    @property
    def basic(self) -> str:
        """The header below ``/basic/``."""
        return "Basic " + base64.b64encode(f"{self.username}:{self.password}".encode()).decode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A request as it came."""

    path: str
    headers: dict[str, str]


@dataclass(slots=True)
class _State:
    secrets: Secrets
    moved: dict[str, str]
    seen: list[Seen] = field(default_factory=list)


class PrivateServer:
    """Serves ``directory`` on 127.0.0.1 as long as it is entered.

    ``<url>/open/…`` demands nothing; ``moved`` maps the beginning of a path to where it redirects to, once it has been
    shown what its first segment demands.  ``<url>/status/<code>/…`` answers with that status.
    """

    def __init__(self, directory: Path, secrets: Secrets | None = None, *, certificate: Path | None = None) -> None:
        """With the file of a ``certificate`` and its key it speaks TLS."""
        self.directory = directory
        self._state = _State(secrets or Secrets(), {})
        self._server = _Server(("127.0.0.1", 0), partial(_Handler, self._state, directory=str(directory)))
        self._scheme = "http" if certificate is None else "https"
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self._server.socket = context.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, name="private-server", daemon=True
        )

    @property
    def url(self) -> str:
        """Its address, without a slash at the end."""
        return f"{self._scheme}://127.0.0.1:{self._server.server_port}"

    @property
    def moved(self) -> dict[str, str]:
        """What is redirected, and to where; to be filled."""
        return self._state.moved

    @property
    def seen(self) -> list[Seen]:
        """Every request there was."""
        return self._state.seen

    def credentials(self) -> dict[str, dict[str, str]]:
        """What opens each part, by the name of the part."""
        secrets = self._state.secrets
        shown: dict[str, dict[str, str]] = {
            "token": {"token": secrets.token},
            "basic": {"username": secrets.username, "password": secrets.password},
            "bearer": {"bearer": secrets.bearer},
            "raw": {"authorization": secrets.raw},
        }
        return {name: {"address": f"{self.url}/{name}", **entry} for name, entry in shown.items()}

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: the client has gone."""


class _Handler(SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Head and body are sent one after the other: the second does not wait until the first is acknowledged.
    disable_nagle_algorithm = True

    def __init__(self, state: _State, *arguments: Any, directory: str) -> None:
        self._state = state
        super().__init__(*arguments, directory=directory)

    def do_GET(self) -> None:
        """Answer as the first segment of the path demands."""
        self._state.seen.append(Seen(path=self.path, headers=dict(self.headers.items())))
        manner, rest, refused = self._opened()
        if manner == "status":
            self.send_error(int(rest.split("/", 1)[0]))
        elif refused:
            self._refuse(refused)
        elif target := self._target(f"/{manner}/{rest}"):
            self.send_response(302)
            self.send_header("Location", target)
            self.send_header("Content-Length", "0")
            self.end_headers()
        else:
            self.path = f"/{rest}"
            super().do_HEAD() if self.command == "HEAD" else super().do_GET()

    def _refuse(self, status: int) -> None:
        self.send_response(status)
        if status == HTTPStatus.UNAUTHORIZED:
            self.send_header("WWW-Authenticate", 'Basic realm="private"')
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_POST(self) -> None:
        """Refuse it: nothing can be put here."""
        self._state.seen.append(Seen(path=self.path, headers=dict(self.headers.items())))
        self._refuse(HTTPStatus.UNAUTHORIZED)

    def do_HEAD(self) -> None:
        """Answer as the first segment of the path demands, without a body."""
        self.do_GET()

    def _opened(self) -> tuple[str, str, int]:
        """The first segment, what comes after it, and the status of a refusal or 0."""
        secrets, authorization = self._state.secrets, self.headers.get("Authorization")
        manner, _, rest = self.path.lstrip("/").partition("/")
        if manner == "t":
            shown, _, rest = rest.partition("/")
            manner, _, rest = rest.partition("/")
            return manner, rest, 0 if unquote(shown) == secrets.token else 403
        demanded = {"basic": secrets.basic, "bearer": f"Bearer {secrets.bearer}", "raw": secrets.raw}.get(manner)
        # Where a registry would be there is none that lets anybody in.
        is_refused = manner in ("token", "v2") or (demanded is not None and authorization != demanded)
        return manner, rest, 401 if is_refused else 0

    def _target(self, path: str) -> str | None:
        return next(
            (f"{to}{path.removeprefix(of)}" for of, to in self._state.moved.items() if path.startswith(of)), None
        )

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


def write_certificate(path: Path, name: str | None = None) -> Path:
    """Write a certificate of 127.0.0.1, or of a name, that nobody vouches for, and its key; return the path."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name or "127.0.0.1")])
    alternative = x509.DNSName(name) if name else x509.IPAddress(ip_address("127.0.0.1"))
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([alternative]), critical=False)
        .sign(key, hashes.SHA256())
    )
    plain = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(plain + certificate.public_bytes(Encoding.PEM))
    return path
