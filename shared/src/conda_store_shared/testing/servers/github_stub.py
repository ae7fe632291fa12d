"""A stub of GitHub's OAuth pages and API, as far as a login sees them: there is no GitHub to be had for tests.

Its shapes are GitHub's: errors of the token endpoint come with status 200, its answers as a form unless JSON is asked
for, and one page asks for name and consent.
"""

import base64
import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import Message
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Self
from urllib.parse import parse_qsl, urlencode, urlsplit

from pydantic_core import to_json

CLIENT_ID = "Iv1.0123456789abcdef"
CLIENT_SECRET = "a-secret-that-only-tests-ever-use-github"

_PAGE = """<!doctype html><title>Authorize store</title><main><h1>Authorize store</h1>
<form method="post" action="/login/oauth/authorize?{query}"><label>Username <input name="login" required></label>
<button name="authorize" value="1">Authorize</button>
<button name="authorize" value="0">Cancel</button></form></main>"""
_FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer over HTTP; `location` makes it a redirect."""

    body: bytes = b""
    status: int = 200
    media_type: str = "application/json"
    location: str | None = None


class GithubStub:
    """Any name logs in; whoever presses Cancel is sent back with `access_denied`."""

    def __init__(self) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._codes: dict[str, dict[str, str]] = {}
        self._tokens: dict[str, str] = {}

    def __enter__(self) -> Self:
        self._thread = Thread(target=self._server.serve_forever, name="github-stub")
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def answer(self, method: str, path: str, headers: Message, form: Mapping[str, str]) -> Answer:
        """The answer to a request."""
        parts = urlsplit(path)
        query = dict(parse_qsl(parts.query))
        match method, parts.path:
            case "GET", "/login/oauth/authorize":
                return Answer(_PAGE.format(query=escape(parts.query)).encode(), media_type="text/html")
            case "POST", "/login/oauth/authorize":
                return Answer(status=302, location=self._consent(query, form))
            case "POST", "/login/oauth/access_token":
                told = self._exchange(form)
                wants_json = "json" in headers.get("Accept", "")
                return Answer(to_json(told)) if wants_json else Answer(urlencode(told).encode(), media_type=_FORM)
            case "GET", "/user":
                return self._user(headers.get("Authorization", ""))
        return Answer(b'{"message": "Not Found"}', 404)

    def _consent(self, query: Mapping[str, str], form: Mapping[str, str]) -> str:
        """Where the browser goes from the page of consent."""
        if form.get("authorize") == "1":
            code = secrets.token_hex(10)
            self._codes[code] = {**query, **form}
            told = {"code": code}
        else:
            told = {"error": "access_denied", "error_description": "The user has denied your application access."}
        return f"{query['redirect_uri']}?{urlencode({**told, 'state': query['state']})}"

    def _exchange(self, form: Mapping[str, str]) -> dict[str, str]:
        """What the token endpoint says; each code counts once."""
        if (form.get("client_id"), form.get("client_secret")) != (CLIENT_ID, CLIENT_SECRET):
            return {"error": "incorrect_client_credentials"}
        login = self._codes.pop(form.get("code", ""), None)
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if login is None or login["redirect_uri"] != form.get("redirect_uri") or login["code_challenge"] != challenge:
            told = "The code passed is incorrect or expired."
            return {"error": "bad_verification_code", "error_description": told}
        token = f"gho_{secrets.token_hex(18)}"
        self._tokens[token] = login["login"]
        return {"access_token": token, "token_type": "bearer", "scope": login.get("scope", "")}

    def _user(self, authorization: str) -> Answer:
        login = self._tokens.get(authorization.removeprefix("Bearer "))
        if login is None:
            return Answer(b'{"message": "Bad credentials"}', 401)
        return Answer(to_json({"login": login, "id": 1, "type": "User", "email": None}))


def _handler(stub: GithubStub) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._send(stub.answer("GET", self.path, self.headers, {}))

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
            self._send(stub.answer("POST", self.path, self.headers, dict(parse_qsl(body))))

        def log_message(self, *_: object) -> None:
            """Say nothing."""

        def _send(self, answer: Answer) -> None:
            self.send_response(answer.status)
            self.send_header("Content-Type", answer.media_type)
            self.send_header("Content-Length", str(len(answer.body)))
            if answer.location is not None:
                self.send_header("Location", answer.location)
            self.end_headers()
            self.wfile.write(answer.body)

    return Handler
