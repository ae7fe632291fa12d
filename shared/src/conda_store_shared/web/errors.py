"""Errors become answers: the error tree to status and body, anything unforeseen to a 500 that tells nothing."""

import socket
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import structlog
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from conda_store_shared.errors import (
    CondaStoreError,
    Conflict,
    HookFailed,
    InvalidInput,
    LoginNotBegun,
    NotAuthenticated,
    NotAuthorized,
    NotFound,
    TookTooLong,
    TooLarge,
    Unavailable,
)
from conda_store_shared.web.answers import JsonResponse

Translate = Callable[[Exception], CondaStoreError | None]

RETRY_AFTER_SECONDS = 5

_log = structlog.get_logger()


class Unprocessable(InvalidInput):
    """Raised when a path, query or body does not have the declared shape (HTTP 422).

    ``details`` are entries of ``type``, ``loc``, ``msg``, ``input`` and sometimes ``ctx``.
    """

    code = "unprocessable"

    def __init__(self, details: Sequence[Mapping[str, Any]]) -> None:
        super().__init__("; ".join(f"{'.'.join(map(str, entry['loc']))}: {entry['msg']}" for entry in details))
        self.details = details


STATUS_OF: Mapping[type[CondaStoreError], int] = {
    Unprocessable: 422,
    TooLarge: 413,
    InvalidInput: 400,
    LoginNotBegun: 401,
    NotAuthenticated: 403,
    NotAuthorized: 403,
    NotFound: 404,
    Conflict: 409,
    HookFailed: 500,
    Unavailable: 503,
    TookTooLong: 504,
}


def status_of(error: CondaStoreError) -> int | None:
    """HTTP status of an error, that of its nearest ancestor in the tree; None when it is no caller's business."""
    return next((STATUS_OF[kind] for kind in type(error).__mro__ if kind in STATUS_OF), None)


def answer_of(error: CondaStoreError) -> Response | None:
    """The answer to an error of the tree, or None when it has none."""
    if isinstance(error, Unprocessable):
        return JsonResponse({"detail": error.details}, 422)
    status = status_of(error)
    if status is None:
        return None
    headers = {"Retry-After": str(RETRY_AFTER_SECONDS)} if status == 503 else None
    # A name that came in as a lone surrogate has no UTF-8 form.
    message = error.message.encode("utf-8", "replace").decode()
    return JsonResponse({"status": "error", "message": message}, status, headers)


def outage_of(error: Exception) -> CondaStoreError | None:
    """What a failed or endless connection means, whoever it was made to."""
    if isinstance(error, ConnectionError | TimeoutError | socket.gaierror):
        return Unavailable("a part this service stands on does not answer; please try again")
    return None


async def answer_http_exception(_request: Request, error: Exception) -> Response:
    """Answer what the router raises: no such path, no such method."""
    assert isinstance(error, HTTPException)  # noqa: S101  registered for nothing else
    return JsonResponse({"detail": error.detail}, error.status_code, error.headers)


class AnswerErrors:
    """ASGI middleware: whatever a handler raises becomes an answer, unless one has begun already.

    ``translate`` turns errors of a library (a database driver) into errors of the tree.
    """

    def __init__(self, app: ASGIApp, translate: Sequence[Translate] = ()) -> None:
        self._app = app
        self._translate = (*translate, outage_of)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun = False

        async def watched(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except ClientDisconnect:
            _log.info("client_left", path=scope.get("path", "")[:300])
        except Exception as error:
            answer = self._answer(error, scope)
            if begun:
                raise
            await answer(scope, receive, send)

    def _answer(self, error: Exception, scope: Scope) -> Response:
        known = self._known(error)
        answer = answer_of(known) if known else None
        where = {"method": scope.get("method"), "path": scope.get("path", "")[:300]}
        if known is None or answer is None:
            _log.error("request_failed", exc_info=error, **where)
            return PlainTextResponse("Internal Server Error", 500)
        if answer.status_code == 503:
            _log.warning("request_unavailable", code=known.code, error=repr(error), **where)
        return answer

    def _known(self, error: Exception) -> CondaStoreError | None:
        if isinstance(error, CondaStoreError):
            return error
        if isinstance(error, ExceptionGroup):
            # A task group wraps what its tasks raise; one unforeseen member makes the whole unforeseen.
            members = [self._known(member) for member in error.exceptions]
            return None if None in members else members[0]
        return next((known for translate in self._translate if (known := translate(error))), None)
