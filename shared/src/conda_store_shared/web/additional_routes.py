"""Routes of the administrator's own (``CondaStoreServer.additional_routes``), beside ours."""

import inspect
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import compile_path

from conda_store_shared.errors import ConfigurationError
from conda_store_shared.web.answers import JsonResponse
from conda_store_shared.web.operation import Endpoint, Handler, Operation
from conda_store_shared.web.routing import PathRoute, RouteOptions

# Ours, in whichever process they are served, now or later.
RESERVED = ("api", "v2", "storage", "login", "logout", "oauth_callback", "health", "metrics", "celery", "docs", "redoc",
            "openapi.json", "static", "ui", "admin", "favicon.ico")  # fmt: skip
_METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_PLAIN = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


class AdministratorsOwn:
    """Everybody may call; the administrator's handler decides about everything else."""

    @property
    def told(self) -> str:
        """The rule in words."""
        return "The administrator's own; it checks itself who calls."

    async def check(self, request: Request) -> None:
        """Let everybody in."""


def additional_routes(entries: Iterable[Any], url_prefix: str = "/") -> list[PathRoute]:
    """Return the routes of entries (path, method, handler), which stay where they are whatever the prefix.

    A handler takes the request, or nothing; it may be plain, and then runs in a thread.  What it returns is a Response,
    or becomes one as JSON.  Raises ConfigurationError that names the entry.
    """
    by_path: dict[str, dict[str, Endpoint]] = {}
    for entry in entries:
        path, method, function = _parts(entry)
        _check_path(path, url_prefix)
        methods = by_path.setdefault(path, {})
        if method in methods:
            raise _refused(path, f"method {method} is there twice")
        methods[method] = _endpoint(path, function)
    return [PathRoute(path, methods, RouteOptions(rooted=True)) for path, methods in by_path.items()]


def _parts(entry: Any) -> tuple[str, str, Callable[..., Any]]:
    match entry:
        case (str(path), str(method), function) if callable(function) and method.upper() in _METHODS:
            return path, method.upper(), function
    raise ConfigurationError(
        f"CondaStoreServer.additional_routes: {entry!r} is no route; write (path, method, function), such as "
        '("/hello", "get", hello)'
    )


def _check_path(path: str, url_prefix: str) -> None:
    if not path.startswith("/"):
        raise _refused(path, "a path begins with /")
    try:
        compile_path(path)
    except (AssertionError, ValueError) as error:
        raise _refused(path, str(error)) from error
    prefix = url_prefix.rstrip("/")
    for below in ("", prefix):
        rest = path.removeprefix(below).strip("/") if path == below or path.startswith(f"{below}/") else None
        if rest is not None and _is_ours(rest.partition("/")[0]):
            raise _refused(path, f"conda-store has routes of its own there; choose one that begins with {prefix}/own/")


def _is_ours(first: str) -> bool:
    return first in ("", *RESERVED) or "{" in first


def _endpoint(path: str, function: Callable[..., Any]) -> Endpoint:
    name = getattr(function, "__name__", type(function).__name__)
    summary = (inspect.getdoc(function) or name).splitlines()[0]
    return Endpoint(_handler(path, function), Operation(summary=summary, access=AdministratorsOwn()))


def _handler(path: str, function: Callable[..., Any]) -> Handler:
    taken = _parameters(path, function)
    is_async = inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(type(function).__call__)

    async def answer(request: Request) -> Response:
        arguments = (request,)[:taken]
        answered = await function(*arguments) if is_async else await run_in_threadpool(function, *arguments)
        return answered if isinstance(answered, Response) else JsonResponse(answered)

    return answer


def _parameters(path: str, function: Callable[..., Any]) -> int:
    """How many arguments a handler wants: the request, or none."""
    parameters: Sequence[inspect.Parameter] = list(inspect.signature(function).parameters.values())
    wanted = [each for each in parameters if each.default is each.empty and each.kind in _PLAIN]
    by_name = [each for each in parameters if each.default is each.empty and each.kind is each.KEYWORD_ONLY]
    of_fastapi = [each for each in parameters if type(each.default).__module__.partition(".")[0] == "fastapi"]
    if len(wanted) > 1 or by_name or of_fastapi:
        raise _refused(
            path,
            f"its function wants {', '.join(each.name for each in parameters)}; it is given the request of Starlette "
            "alone, whose path_params, query_params and json() tell the rest",
        )
    return len(wanted)


def _refused(path: str, reason: str) -> ConfigurationError:
    return ConfigurationError(f"CondaStoreServer.additional_routes: {path}: {reason}")
