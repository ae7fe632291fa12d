"""The host that a browser asked for, where a proxy in front tells it."""

import re

from starlette.types import ASGIApp, Receive, Scope, Send

_FORWARDED = b"x-forwarded-host"
# A name or an address, and perhaps a port; whatever else a header holds is nobody's address.
_HOST = re.compile(rb"([A-Za-z0-9.-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(:[0-9]{1,5})?")


class ForwardedHost:
    """Takes X-Forwarded-Host, the first of it, for Host; only for use behind a proxy that sets or removes it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in ("http", "websocket"):
            told = next((value for name, value in scope["headers"] if name == _FORWARDED), b"")
            host = told.partition(b",")[0].strip()
            if _HOST.fullmatch(host):
                others = [(name, value) for name, value in scope["headers"] if name != b"host"]
                scope = {**scope, "headers": [(b"host", host), *others]}
        await self._app(scope, receive, send)
