"""What a proxy in front tells of a request: the caller's address, the scheme and the host it was asked by."""

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass

from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from conda_store_shared.errors import ConfigurationError

_EVERYBODY = "*"
_FORWARDED = b"x-forwarded-host"
# A name or an address, and perhaps a port; whatever else a header holds is nobody's address.
_HOST = re.compile(rb"([A-Za-z0-9.-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(:[0-9]{1,5})?")

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustedProxies:
    """Networks of proxies, and whether everybody is taken for one."""

    networks: tuple[Network, ...] = ()
    everybody: bool = False

    @classmethod
    def parse(cls, texts: Sequence[str]) -> "TrustedProxies":
        """Read networks, addresses, or ``*`` for everybody; raises ConfigurationError for what is none of them."""
        networks = tuple(_network(text) for text in texts if text != _EVERYBODY)
        return cls(networks=networks, everybody=_EVERYBODY in texts)

    def have(self, peer: Address | None) -> bool:
        """Whether somebody is to be believed."""
        return self.everybody or (peer is not None and any(peer in network for network in self.networks))

    @property
    def names(self) -> str | list[str]:
        """As uvicorn wants them."""
        return _EVERYBODY if self.everybody else [str(network) for network in self.networks]


NOBODY = TrustedProxies()


class Forwarded:
    """Believes X-Forwarded-For, -Proto and -Host, the first of each, when a trusted proxy sends them."""

    def __init__(self, app: ASGIApp, proxies: TrustedProxies) -> None:
        self._plain = app
        self._proxies = proxies
        self._app = ProxyHeadersMiddleware(_ForwardedHost(app), proxies.names)  # type: ignore[arg-type]  # its own names

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        peer = _peer(scope)
        if not self._proxies.have(peer):
            await self._plain(scope, receive, send)
            return
        known = {"client": (str(peer), scope["client"][1])} if peer is not None else {}
        await self._app({**scope, **known}, receive, send)  # type: ignore[arg-type, typeddict-item]


class _ForwardedHost:
    """Takes X-Forwarded-Host for Host."""

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


def _network(text: str) -> Network:
    try:
        return ipaddress.ip_network(text.strip())
    except ValueError as error:
        raise ConfigurationError(
            f"CondaStoreServer.trusted_proxies: {error}; write addresses, networks such as 10.0.0.0/8, or *"
        ) from error


def _peer(scope: Scope) -> Address | None:
    """Who connected; an address of IPv4 is one also where IPv6 is spoken.  None for a socket without addresses."""
    client = scope.get("client")
    try:
        address = ipaddress.ip_address(client[0] if client else "")
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
