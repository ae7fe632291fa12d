"""Answers of the registry, in the words of the distribution specification (contract §1.8)."""

import json
from enum import Enum

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from conda_store_shared.web.answers import DEPRECATED
from conda_store_shared.web.operation import Content

JSON = "application/json"
HEADERS = {"Docker-Distribution-Api-Version": "registry/2.0", **DEPRECATED}


class Refusal(Enum):
    """Errors of the distribution specification: code, status, message."""

    NAME_UNKNOWN = (404, "repository name not known to registry")
    BLOB_UNKNOWN = (404, "blob unknown to registry")
    MANIFEST_UNKNOWN = (404, "manifest unknown")
    UNAUTHORIZED = (401, "authentication required")
    UNSUPPORTED = (405, "The operation is unsupported")
    DENIED = (403, "requested access to the resource is denied")


class Refused(Exception):
    """Raised when a request to the registry is refused; ``reason`` is for a person, empty when there is none to tell.

    ``scope`` is what a token would have to allow.
    """

    def __init__(self, refusal: Refusal, reason: str = "", *, scope: str = "") -> None:
        super().__init__(refusal.name)
        self.refusal = refusal
        self.reason = reason
        self.scope = scope


class RegistryError(BaseModel):
    """An error of the distribution specification; ``detail`` is a reason for a person."""

    code: str
    message: str
    detail: str | None


class RegistryErrors(BaseModel):
    """What the registry refuses, and why."""

    errors: list[RegistryError]


class Greeting(BaseModel):
    """The registry speaks version 2."""


class TagList(BaseModel):
    """The tags of the images of an environment."""

    name: str
    tags: list[str]


def told(status: int, text: str) -> Content:
    """Declare a refusal."""
    return Content(told=text, status=status, media_type=JSON, model=RegistryErrors)


def answer(content: object, status: int = 200) -> Response:
    """An answer as clients of the registry have always had it."""
    return Response(json.dumps(content, indent=3), status, HEADERS, JSON)


def refuse(refused: Refused, request: Request) -> Response:
    """The answer to a refused request; with a 401 go the ways to show a credential."""
    status, message = refused.refusal.value
    # Clients show the message alone.
    message = f"{message}: {refused.reason}" if refused.reason else message
    error = {"code": refused.refusal.name, "message": message, "detail": refused.reason or None}
    response = answer({"errors": [error]}, status)
    if refused.refusal == Refusal.UNAUTHORIZED:
        # Clients take the first they know; those that know both may take either.
        response.headers.append("Www-Authenticate", 'Basic realm="Registry Realm"')
        response.headers.append("Www-Authenticate", _bearer(request, refused.scope))
    return response


def _bearer(request: Request, scope: str) -> str:
    place = request.url.netloc
    wanted = f',scope="{scope}"' if scope and _is_quotable(scope) else ""
    return f'Bearer realm="{request.url.scheme}://{place}/v2/token",service="{place}"{wanted}'


def _is_quotable(text: str) -> bool:
    return text.isascii() and text.isprintable() and not {'"', "\\"} & set(text)
