"""The route table: one entry a path, either slash spelling, HEAD wherever there is GET."""

import asyncio
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, compile_path
from starlette.types import Message, Receive, Scope, Send

from conda_store_shared.web.errors import Unprocessable
from conda_store_shared.web.operation import Endpoint

T = TypeVar("T")

# Where the parts of a request's context are kept in its ASGI scope.
DEADLINE = "conda_store.deadline"
RESOURCES = "conda_store.resources"
ROUTE_PATH = "conda_store.route_path"
STREAMED = "conda_store.streamed"

INHERIT = -1.0
_INTEGER = re.compile(r"\{(\w+):int\}")
_LARGEST_ID = 2**31 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteOptions:
    """How a route is served.

    ``deadline`` is in seconds until the answer begins; None lets it take as long as it takes, INHERIT takes the
    application's.  A ``rooted`` route stays where it is when the others move below a prefix.
    """

    deadline: float | None = INHERIT
    middleware: Sequence[Middleware] = ()
    rooted: bool = False


class PathRoute(Route):
    """All methods of one path.

    ``{name:int}`` in the path answers 422 to what is no integer.  Raises TypeError for a handler that does not declare
    who may call it.
    """

    def __init__(
        self,
        path: str,
        endpoints: Mapping[str, Endpoint],
        options: RouteOptions,
        resources: Mapping[type[Any], Any] | None = None,
    ) -> None:
        for method, endpoint in endpoints.items():
            if not isinstance(endpoint, Endpoint):
                raise TypeError(f"{method} {path}: {endpoint!r} is not declared with @operation")
        self.declared_path = path
        self.endpoints = endpoints
        self.options = options
        self.resources = dict(resources or {})
        self._integers = tuple(_INTEGER.findall(path))
        plain = _INTEGER.sub(r"{\1}", path)
        super().__init__(plain, self._dispatch, methods=endpoints.keys(), name=path, middleware=options.middleware)
        self.path_regex = _either_spelling(plain)

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; raises HTTPException 405 for a method that is not in the table."""
        method = scope["method"]
        if method not in (self.methods or ()):
            raise HTTPException(405, headers={"Allow": ", ".join(sorted(self.methods or ()))})
        scope[ROUTE_PATH] = self.declared_path
        scope[RESOURCES] = self.resources
        _set_deadline(scope, self.options.deadline)
        await self.app(scope, receive, _without_body(send) if method == "HEAD" else send)

    async def _dispatch(self, request: Request) -> Response:
        for name in self._integers:
            request.path_params[name] = _parse_id(name, request.path_params[name])
        return await self.endpoints["GET" if request.method == "HEAD" else request.method](request)

    def under(self, prefix: str) -> "PathRoute":
        """Return the same route below ``prefix``."""
        path = self.declared_path if self.options.rooted else prefix + self.declared_path
        return PathRoute(path, self.endpoints, self.options, self.resources)

    def with_resources(self, resources: Iterable[object]) -> "PathRoute":
        """Return the same route with ``resources`` in the reach of its handlers."""
        provided = {**self.resources, **{type(each): each for each in resources}}
        return PathRoute(self.declared_path, self.endpoints, self.options, provided)


def route(
    path: str,
    *,
    deadline: float | None = INHERIT,
    middleware: Sequence[Middleware] = (),
    rooted: bool = False,
    **endpoints: Endpoint,
) -> PathRoute:
    """Return an entry of a route table: ``route("/build/{build_id:int}/", get=show_build, put=rebuild)``."""
    by_method = {method.upper(): endpoint for method, endpoint in endpoints.items()}
    return PathRoute(path, by_method, RouteOptions(deadline=deadline, middleware=middleware, rooted=rooted))


def prefixed(prefix: str, routes: Iterable[PathRoute]) -> list[PathRoute]:
    """Return ``routes`` below ``prefix`` (``/`` and the empty prefix change nothing; a trailing slash is ignored)."""
    trimmed = prefix.rstrip("/")
    return [each.under(trimmed) for each in routes]


def provide(routes: Iterable[PathRoute], *resources: object) -> list[PathRoute]:
    """Return ``routes`` whose handlers find ``resources`` by their type with ``resource``."""
    return [each.with_resources(resources) for each in routes]


def resource(request: Request, kind: type[T]) -> T:
    """Return what was provided to the routes under its type."""
    found: T = request.scope[RESOURCES][kind]
    return found


def lift_deadline(request: Request) -> None:
    """Let the answer to this request take as long as it takes."""
    _set_deadline(request.scope, None)


def _either_spelling(path: str) -> re.Pattern[str]:
    regex = compile_path(path)[0].pattern.removesuffix("$")
    if path.endswith(":path}"):
        # Whatever follows, line feeds included, is for the handler to judge.
        return re.compile(regex + r"\Z", re.DOTALL)
    return re.compile(regex.removesuffix("/") + r"/?\Z")


def _parse_id(name: str, text: str) -> int:
    try:
        number = int(text) if text.isascii() and len(text) < 1000 else None
    except ValueError:
        number = None
    if number is None:
        told = "Input should be a valid integer, unable to parse string as an integer"
        raise Unprocessable([{"type": "int_parsing", "loc": ["path", name], "msg": told, "input": text}])
    # No row has such an id, and the database's integers could not even be asked: 0 leads to the route's own 404.
    return number if 0 < number <= _LARGEST_ID else 0


def _set_deadline(scope: Scope, deadline: float | None) -> None:
    timeout: asyncio.Timeout | None = scope.get(DEADLINE)
    if timeout is not None and deadline != INHERIT:
        timeout.reschedule(None if deadline is None else asyncio.get_running_loop().time() + deadline)


def _without_body(send: Send) -> Send:
    async def send_head(message: Message) -> None:
        if message["type"] == "http.response.body":
            message = {**message, "body": b""}
        await send(message)

    return send_head
