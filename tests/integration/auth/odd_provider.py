"""An identity provider that answers whatever a test wants, as no conforming one would."""

import asyncio
import base64
import contextlib
import functools
import hashlib
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import httpx
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from conda_store_shared.testing.servers import free_port
from conda_store_shared.testing.servers.process import accepts_connections, wait_until
from conda_store_shared.web.server import Listening, serve

CLIENT_ID = "store"
CLIENT_SECRET = "a secret between two"
CODE = "code-1"

Answer = Callable[[Request], Response]


@functools.cache
def signing_key(name: str) -> RSAKey:
    """A key of that name, made once a run."""
    return RSAKey.generate_key(2048, {"kid": name})


class OddProvider:
    """OAuth 2.0 and OpenID Connect on one address.

    ``answers`` replaces the answer of a path, ``claims`` changes claims of the id token (None leaves one out),
    ``user`` is what the user data says.
    """

    def __init__(self) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.key = signing_key("first")
        self.published: list[RSAKey] = [self.key]
        self.answers: dict[str, Answer] = {}
        self.claims: dict[str, Any] = {}
        self.user: dict[str, Any] = {"sub": "1", "login": "alice"}
        self.header: dict[str, Any] = {}
        self.asked: list[str] = []
        self.forms: list[dict[str, str]] = []
        self.authorizations: list[str] = []
        self._login: dict[str, str] = {}

    def send_back(self, location: str) -> dict[str, str]:
        """What a browser brings back from the page at ``location``; remembers what the login was about."""
        self._login = {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}
        return {"code": CODE, "state": self._login["state"]}

    @property
    def login(self) -> dict[str, str]:
        """The parameters of the last login."""
        return self._login

    def id_token(self) -> str:
        """An id token for the last login."""
        now = int(time.time())
        claims = {
            "iss": self.url, "aud": CLIENT_ID, "sub": "1", "iat": now, "exp": now + 300,
            "nonce": self._login.get("nonce"), "preferred_username": "alice", **self.claims,
        }  # fmt: skip
        header = {"alg": "RS256", "kid": self.key.kid, **self.header}
        told = {name: value for name, value in claims.items() if value is not None}
        return jwt.encode(header, told, self.key, algorithms=[header["alg"]])

    @asynccontextmanager
    async def running(self) -> AsyncIterator["OddProvider"]:
        """Answer on loopback."""
        paths = ("/.well-known/openid-configuration", "/token", "/jwks", "/user")
        application = Starlette(routes=[Route(path, self._answer, methods=["GET", "POST"]) for path in paths])
        serving = asyncio.create_task(serve(application, Listening(address="127.0.0.1", port=self.port)))
        assert await asyncio.to_thread(wait_until, lambda: accepts_connections(self.port), 20)
        yield self
        serving.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await serving

    async def _answer(self, request: Request) -> Response:
        path = request.url.path
        self.asked.append(path)
        if path == "/token":
            self.authorizations.append(request.headers.get("authorization", ""))
            self.forms.append(dict(parse_qsl((await request.body()).decode())))
        if path in self.answers:
            return self.answers[path](request)
        usual = {"/token": self._token, "/jwks": self._jwks, "/user": self._user}
        return usual.get(path, self._configuration)()

    def _configuration(self) -> Response:
        return JSONResponse(
            {
                "issuer": self.url,
                "authorization_endpoint": f"{self.url}/authorize",
                "token_endpoint": f"{self.url}/token",
                "userinfo_endpoint": f"{self.url}/user",
                "jwks_uri": f"{self.url}/jwks",
            }
        )

    def _user(self) -> Response:
        return JSONResponse(self.user)

    def _jwks(self) -> Response:
        return JSONResponse(KeySet(list(self.published)).as_dict(private=False))

    def _token(self) -> Response:
        form = self.forms[-1]
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        known = {"code": CODE, "redirect_uri": self._login["redirect_uri"], "grant_type": "authorization_code"}
        wrong = [name for name, value in known.items() if form.get(name) != value]
        if wrong or self._login.get("code_challenge", challenge) != challenge:
            return JSONResponse({"error": "invalid_grant", "error_description": f"wrong: {wrong}"}, 400)
        token = {"access_token": "an access token", "token_type": "Bearer", "expires_in": 5}
        return JSONResponse({**token, "id_token": self.id_token()} if "nonce" in self._login else token)


async def log_in(browser: httpx.AsyncClient, provider: OddProvider, next_page: str = "/ui/", **headers: str) -> Any:
    """Log in from beginning to end; the answer is the callback's."""
    begun = await browser.get("/login/", params={"next": next_page})
    assert begun.status_code == 307, begun.text
    brought = provider.send_back(begun.headers["Location"])
    return await browser.get("/oauth_callback/", params=brought, headers=headers)
