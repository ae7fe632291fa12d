"""What gives out tokens for a registry of images, and signs them so that the registry knows them.

https://distribution.github.io/distribution/spec/auth/jwt/
"""

import base64
import json
import tempfile
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Self
from urllib.parse import parse_qs, urlsplit

from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import load_pem_x509_certificate
from joserfc import jwt
from joserfc.jwk import ECKey

from conda_store_shared.testing.private_server import write_certificate

SERVICE = "images of tests"
ISSUER = "token server of tests"
# The registry takes tokens for so long after their end, in case that clocks differ.
_LEEWAY = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedFor:
    """A request for a token: its scopes, and the header that says who asks."""

    scopes: tuple[str, ...]
    authorization: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An answer over HTTP; ``location`` makes it a redirect."""

    status: int = 200
    body: bytes = b""
    location: str | None = None


class TokenServer:
    """Gives tokens to whoever shows ``user`` and ``password``; its faults may be changed at any moment.

    ``lifetime``: seconds until the registry refuses a token; ``withheld``: repositories that nothing is granted for;
    ``fault``: what is answered instead of a token.  ``asked`` is every request there was.
    """

    def __init__(self, user: str, password: str) -> None:
        self.user = user
        self._credential = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._directory = tempfile.TemporaryDirectory(prefix="conda-store-token-server-")
        self.certificate = write_certificate(Path(self._directory.name) / "certificate.pem")
        self.asked: list[AskedFor] = []
        self.heal()

    def heal(self) -> None:
        """End every fault."""
        self.lifetime = 300.0
        self.withheld: set[str] = set()
        self.fault: Answer | None = None

    @property
    def realm(self) -> str:
        """Where tokens are given out."""
        return f"http://127.0.0.1:{self._server.server_port}/token"

    def answer(self, path: str, authorization: str | None) -> Answer:
        """The answer to a request."""
        query = parse_qs(urlsplit(path).query)
        scopes = tuple(scope for value in query.get("scope", []) for scope in value.split())
        self.asked.append(AskedFor(scopes=scopes, authorization=authorization))
        if self.fault is not None:
            return self.fault
        if authorization != self._credential:
            return Answer(status=401, body=b'{"details": "incorrect username or password"}')
        return Answer(body=json.dumps({"token": self._token(scopes), "expires_in": int(self.lifetime)}).encode())

    def _token(self, scopes: tuple[str, ...]) -> str:
        access = []
        for scope in scopes:
            kind, name, actions = scope.split(":", 2)
            if name not in self.withheld:
                access.append({"type": kind, "name": name, "actions": actions.split(",")})
        pem, now = self.certificate.read_bytes(), time.time()
        chain = base64.b64encode(load_pem_x509_certificate(pem).public_bytes(Encoding.DER)).decode()
        claims = {
            "iss": ISSUER,
            "sub": self.user,
            "aud": SERVICE,
            "exp": int(now + self.lifetime) - _LEEWAY,
            "nbf": int(now) - 10 * _LEEWAY,
            "access": access,
        }
        return jwt.encode({"alg": "ES256", "x5c": [chain]}, claims, ECKey.import_key(pem))

    def __enter__(self) -> Self:
        self._thread = Thread(target=self._server.serve_forever, args=(0.05,), name="token-server")
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self._directory.cleanup()


def _handler(server: TokenServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer = server.answer(self.path, self.headers.get("Authorization"))
            self.send_response(answer.status)
            self.send_header("Content-Length", str(len(answer.body)))
            if answer.location is not None:
                self.send_header("Location", answer.location)
            self.end_headers()
            self.wfile.write(answer.body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return Handler
