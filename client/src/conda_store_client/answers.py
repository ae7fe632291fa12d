"""What the server answered: its data, or the error it stands for."""

from collections.abc import Mapping
from typing import Any, NoReturn, TypeVar

import httpx

from conda_store_client.errors import ClientError, RequestRefused, ServerUnavailable, UnexpectedAnswer

T = TypeVar("T")

_UNAVAILABLE = (httpx.codes.BAD_GATEWAY, httpx.codes.SERVICE_UNAVAILABLE, httpx.codes.GATEWAY_TIMEOUT)
_NOT_ALLOWED = (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN)
_LONGEST_TEXT = 300
_CHECK_ADDRESS = "Check --conda-store-url (CONDA_STORE_URL); it includes the server's prefix."


def data_of(response: httpx.Response) -> Any:
    """Return the ``data`` of an answer in the usual envelope; raises UnexpectedAnswer."""
    envelope = _json(response)
    if not isinstance(envelope, dict) or "data" not in envelope:
        raise not_conda_store(response)
    return envelope["data"]


def field(row: object, name: str, kind: type[T]) -> T:
    """Return a field of an object in an answer; raises UnexpectedAnswer when it is missing or of another kind."""
    value = row.get(name) if isinstance(row, Mapping) else None
    if not isinstance(value, kind):
        raise UnexpectedAnswer(f"the server's answer lacks {name!r}", "It speaks another version of the API.")
    return value


def refuse(response: httpx.Response, hint: str) -> NoReturn:
    """Raise the error that an answer without success stands for; ``hint`` is told to those who may not."""
    message = _message(response)
    if response.status_code in _UNAVAILABLE:
        raise ServerUnavailable(f"the server is not available (status {response.status_code})", message)
    if response.status_code in _NOT_ALLOWED:
        raise RequestRefused(response.status_code, message or "request not authorized", hint)
    if response.status_code == httpx.codes.NOT_FOUND and not message:
        raise RequestRefused(response.status_code, f"there is nothing at {_address(response)}", _CHECK_ADDRESS)
    raise RequestRefused(
        response.status_code, message or f"the server answered {response.status_code} to {_address(response)}"
    )


def not_conda_store(response: httpx.Response) -> ClientError:
    """The error for an answer that no conda-store server gives."""
    return UnexpectedAnswer(f"{_address(response)} does not answer like a conda-store server", _CHECK_ADDRESS)


def _address(response: httpx.Response) -> str:
    """The address without its query, which may hold a signature, and without password."""
    return str(response.url.copy_with(query=None, userinfo=b""))


def _json(response: httpx.Response) -> Any:
    try:
        return response.json()
    except ValueError:
        raise not_conda_store(response) from None


def _message(response: httpx.Response) -> str:
    try:
        body = response.json()
    except ValueError:
        # A page for browsers tells nothing in a terminal, and what is not found says so by its status.
        is_text = response.headers.get("content-type", "").startswith("text/plain")
        return response.text.strip()[:_LONGEST_TEXT] if is_text and response.is_server_error else ""
    if not isinstance(body, dict):
        return ""
    if isinstance(body.get("detail"), list):
        return "\n".join(map(_problem, body["detail"]))
    # `{"detail": "Not Found"}` says that there is no such route, which the address says better.
    return str(body.get("message") or "")


def _problem(problem: object) -> str:
    if not isinstance(problem, dict):
        return str(problem)
    place = ".".join(map(str, problem.get("loc", ())))
    return f"{place}: {problem.get('msg', '')}"
