"""What a browser keeps for us while somebody logs in by password: where to go afterwards."""

from starlette.middleware.sessions import SessionMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send


class BrowserSession:
    """Keeps ``request.session`` in a signed cookie, which goes over https alone when it came so."""

    def __init__(self, app: ASGIApp, secret: str) -> None:
        self._plain = SessionMiddleware(app, secret_key=secret)
        self._secure = SessionMiddleware(app, secret_key=secret, https_only=True)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        keeping = self._secure if scope.get("scheme") == "https" else self._plain
        await keeping(scope, receive, send)
