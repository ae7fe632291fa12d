"""Logins that are under way at a provider: a signed cookie each, so that several tabs do not meet.

A login ends in the browser that began it, once, or not at all: that is what keeps somebody from being logged in as
somebody else by a link.
"""

import base64
import hashlib
import hmac
from collections.abc import Iterator
from datetime import timedelta
from secrets import token_urlsafe
from typing import Any

from itsdangerous import BadData, URLSafeSerializer
from starlette.requests import Request
from starlette.responses import Response

from conda_store_auth.ports import LoginAttempt
from conda_store_shared.errors import LoginNotBegun
from conda_store_shared.web.authentication import Authenticator
from conda_store_shared.web.routing import resource

LIFETIME = timedelta(hours=1)
# Proxies refuse requests whose cookies are too long together; the oldest logins are given up for the newest.
MAXIMUM_LENGTH = 4000
_NAME = "session-"
_TICK = timedelta(milliseconds=1)


class PendingLogins:
    """Begins logins and recognises them again; ``secret`` signs what the browser keeps."""

    def __init__(self, secret: str) -> None:
        self._secret = secret.encode()
        self._signer = URLSafeSerializer(
            secret, salt="conda-store.login", signer_kwargs={"digest_method": hashlib.sha256}
        )

    def begin(self, callback_url: str) -> LoginAttempt:
        """Return a new login."""
        return self._attempt(token_urlsafe(32), callback_url)

    def remember(self, request: Request, answer: Response, attempt: LoginAttempt, next_page: str | None) -> None:
        """Let the browser keep a login and where to go afterwards."""
        kept = {"s": attempt.state, "c": attempt.callback_url, "n": next_page, "t": _now(request)}
        value = str(self._signer.dumps(kept))
        name = _cookie_name(request, attempt.state)
        answer.set_cookie(name, value, max_age=int(LIFETIME.total_seconds()), **_attributes(request))
        self._make_room(request, answer, len(name) + len(value))

    def recall(self, request: Request) -> tuple[LoginAttempt, str | None]:
        """Return the login that the request ends, and where to go; raises LoginNotBegun."""
        state = request.query_params.get("state", "")
        kept = self._read(request, request.cookies.get(_cookie_name(request, state), ""))
        if kept is None or not hmac.compare_digest(kept["s"].encode(), state.encode("utf-8", "replace")):
            raise LoginNotBegun
        return self._attempt(state, kept["c"]), kept["n"]

    def forget(self, request: Request, answer: Response) -> None:
        """Let the browser forget the login that the request ends: it can be ended once."""
        name = _cookie_name(request, request.query_params.get("state", ""))
        if name in request.cookies:
            answer.delete_cookie(name, **_attributes(request))

    def _attempt(self, state: str, callback_url: str) -> LoginAttempt:
        # Derived, so that neither has to be kept, and neither can be known to who sees the state.
        return LoginAttempt(
            state=state,
            nonce=self._derive("nonce", state),
            code_verifier=self._derive("code verifier", state),
            callback_url=callback_url,
        )

    def _derive(self, purpose: str, state: str) -> str:
        digest = hmac.digest(self._secret, f"conda-store login {purpose} {state}".encode("utf-8", "replace"), "sha256")
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()

    def _make_room(self, request: Request, answer: Response, taken: int) -> None:
        kept = {name: self._read(request, value) for name, value in _pending(request)}
        newest = sorted(kept, key=lambda name: (kept[name] or {"t": 0})["t"], reverse=True)
        for name in newest:
            taken += len(name) + len(request.cookies[name])
            if kept[name] is None or taken > MAXIMUM_LENGTH:
                answer.delete_cookie(name, **_attributes(request))

    def _read(self, request: Request, value: str) -> dict[str, Any] | None:
        try:
            kept: dict[str, Any] = self._signer.loads(value)
        except BadData:
            return None
        return kept if 0 <= _now(request) - kept["t"] <= LIFETIME / _TICK else None


def _pending(request: Request) -> Iterator[tuple[str, str]]:
    prefix = _cookie_name(request, None)
    return ((name, value) for name, value in request.cookies.items() if name.startswith(prefix))


def _cookie_name(request: Request, state: str | None) -> str:
    # Cookies of this prefix cannot be set by a neighbour on the same domain.
    prefix = f"__Host-{_NAME}" if request.url.scheme == "https" else _NAME
    return prefix if state is None else prefix + hashlib.sha256(state.encode("utf-8", "replace")).hexdigest()[:16]


def _attributes(request: Request) -> dict[str, Any]:
    return {"path": "/", "secure": request.url.scheme == "https", "httponly": True, "samesite": "lax"}


def _now(request: Request) -> int:
    return int(resource(request, Authenticator).clock().timestamp() * 1000)
