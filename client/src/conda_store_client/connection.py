"""Talks HTTP to one conda-store server."""

import functools
import itertools
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version
from typing import Any, Self

import httpx

from conda_store_client.answers import data_of, field, refuse
from conda_store_client.credentials import BearerToken, Credentials, Password, is_signed_token
from conda_store_client.errors import ClientError, RequestRefused, ServerUnreachable, UnexpectedAnswer

_PATIENCE, _CONNECT_PATIENCE = 60.0, 10.0
_MAXIMUM_REDIRECTS = 10
_SECRET_HEADERS = ("Authorization", "Cookie")

Query = Mapping[str, Any]


class Connection:
    """A server at ``url`` (which includes its prefix), and who we are to it.

    Every method raises ServerUnreachable, ServerUnavailable, RequestRefused or UnexpectedAnswer.
    """

    def __init__(self, url: str, credentials: Credentials, *, verify: bool = True) -> None:
        self._base = _checked(url)
        self.url = shown_address(url)
        self._credentials = credentials
        headers = {
            "User-Agent": f"conda-store-client/{version('conda-store-client')}",
            # Archives are compressed themselves, and are to be stored as they come.
            "Accept-Encoding": "identity",
        }
        if isinstance(credentials, BearerToken):
            headers["Authorization"] = f"Bearer {credentials.token}"
        self._client = httpx.Client(
            headers=headers, verify=_trust(verify), timeout=httpx.Timeout(_PATIENCE, connect=_CONNECT_PATIENCE)
        )

    def __enter__(self) -> Self:
        if isinstance(self._credentials, Password):
            self._log_in(self._credentials)
        return self

    def __exit__(self, *_error: object) -> None:
        self._client.close()

    def get(self, path: str, query: Query | None = None, *, patience: float = _PATIENCE) -> httpx.Response:
        """Return the whole answer to a GET, which may keep us waiting for ``patience`` seconds."""
        with self.stream(path, query, patience=patience) as response, self._telling_failures():
            response.read()
        return response

    def get_data(self, path: str, query: Query | None = None) -> Any:
        """Return the data of a GET."""
        return data_of(self.get(path, query))

    def get_pages(self, path: str, query: Query) -> Iterator[dict[str, Any]]:
        """Return the rows of all pages, each row once though rows move between pages meanwhile."""
        seen: set[int | str] = set()
        for page in itertools.count(1):
            rows = self.get_data(path, {**query, "page": page})
            if not isinstance(rows, list):
                raise UnexpectedAnswer(f"{self.url}{path} does not answer with a list")
            new = {_id_of(row): row for row in rows if _id_of(row) not in seen}
            if not new:
                return
            yield from new.values()
            seen.update(new)

    def get_rows(self, path: str, query: Query) -> Iterator[dict[str, Any]]:
        """Return the rows of all pages of a list whose pages tell where the next one begins."""
        cursor: object = None
        while True:
            response = self.get(path, {**query, **({"cursor": cursor} if cursor else {})})
            yield from field({"data": data_of(response)}, "data", list)
            cursor = response.json().get("cursor")
            if not cursor:
                return

    def post(self, path: str, body: object) -> Any:
        """Return the data of a POST."""
        with self._open("POST", path, json=body) as response, self._telling_failures():
            response.read()
        return data_of(response)

    def act(self, path: str) -> None:
        """Send a POST whose answer is nothing but that it was done."""
        with self._open("POST", path) as response, self._telling_failures():
            response.read()

    def put(self, path: str, body: object = None) -> None:
        """Send a PUT."""
        content = {} if body is None else {"json": body}
        with self._open("PUT", path, **content) as response, self._telling_failures():
            response.read()

    def delete(self, path: str, query: Query | None = None) -> httpx.Response:
        """Return the whole answer to a DELETE."""
        with self._open("DELETE", path, params=query) as response, self._telling_failures():
            response.read()
        return response

    def log_in(self, body: Mapping[str, str]) -> None:
        """Log in with what the server's login form asks for; the session is that of all requests from then on.

        The status of RequestRefused is 405 where people log in at a provider.
        """
        with self._open("POST", "/login/", json=body):
            pass
        if not self.has_session:
            raise UnexpectedAnswer(f"logging in at {self.url}/login/ gave no session")

    @property
    def has_session(self) -> bool:
        """Whether somebody has logged in."""
        return bool(self._client.cookies)

    @property
    def session_token(self) -> str:
        """The token of the session."""
        token = next((cookie.value for cookie in self._client.cookies.jar if is_signed_token(cookie.value or "")), None)
        if token is None:
            raise UnexpectedAnswer(f"logging in at {self.url}/login/ gave no token")
        return token

    @contextmanager
    def stream(
        self,
        path: str,
        query: Query | None = None,
        *,
        patience: float = _PATIENCE,
        headers: Mapping[str, str] | None = None,
    ) -> Iterator[httpx.Response]:
        """Open a GET; what it answers is read within, each part of it after ``patience`` seconds at most."""
        content = {"params": query, "headers": headers, "timeout": httpx.Timeout(patience, connect=_CONNECT_PATIENCE)}
        with self._open("GET", path, **content) as response, self._telling_failures():
            yield response

    @contextmanager
    def _open(self, method: str, path: str, **content: Any) -> Iterator[httpx.Response]:
        response = self._send(self._client.build_request(method, str(self._base).rstrip("/") + path, **content))
        try:
            if not response.is_success:
                with self._telling_failures():
                    response.read()
                refuse(response, self._credentials.hint)
            yield response
        finally:
            response.close()

    def _send(self, request: httpx.Request) -> httpx.Response:
        """Send a request and follow redirects; secrets go to the server they are for, and nowhere else."""
        for _ in range(_MAXIMUM_REDIRECTS):
            with self._telling_failures():
                response = self._client.send(request, stream=True)
            redirected = response.next_request
            if redirected is None:
                return response
            response.close()
            is_elsewhere = not _same_origin(request.url, redirected.url)
            # What is posted may be a password.
            if redirected.method != request.method or (is_elsewhere and request.method != "GET"):
                raise ClientError(f"{request.url} is a redirect to {redirected.url}", "Set --conda-store-url to that.")
            if is_elsewhere:
                for header in _SECRET_HEADERS:
                    redirected.headers.pop(header, None)
            request = redirected
        raise UnexpectedAnswer(f"{self.url} redirects in circles")

    def _log_in(self, password: Password) -> None:
        body = {"username": password.username, "password": password.password}
        try:
            self.log_in(body)
        except RequestRefused as refusal:
            if refusal.status in (httpx.codes.NOT_FOUND, httpx.codes.METHOD_NOT_ALLOWED):
                raise ClientError(
                    "this server has no login by password", "Use `conda-store login`, or --auth token."
                ) from None
            refusal.detail = ""
            raise refusal.told_as(f"cannot log in as {password.username}") from None

    @contextmanager
    def _telling_failures(self) -> Iterator[None]:
        try:
            yield
        except (httpx.TransportError, httpx.DecodingError, UnicodeError) as failure:
            # The last one is raised for host names that are none.
            raise ServerUnreachable(f"cannot reach {self.url}", _explanation(failure)) from None


@functools.cache
def _trust(verify: bool) -> ssl.SSLContext:
    """Whom to trust; to read all authorities takes as long as ten requests."""
    return httpx.create_ssl_context(verify=verify)


def _id_of(row: object) -> int | str:
    """The id of a row: a number, or the text that names a token."""
    is_text = isinstance(row, Mapping) and isinstance(row.get("id"), str)
    return field(row, "id", str) if is_text else field(row, "id", int)


def shown_address(url: str) -> str:
    """An address as it is shown: a password in it is for the server only.  Raises ClientError when it is none."""
    return str(_checked(url).copy_with(userinfo=b"")).rstrip("/")


def _checked(url: str) -> httpx.URL:
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL as invalid:
        raise ClientError(f"{url!r} is no address of a server", str(invalid)) from None
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise ClientError(f"{url!r} is no address of a server", "One looks like http://localhost:8080/PREFIX.")
    return parsed


def _same_origin(one: httpx.URL, other: httpx.URL) -> bool:
    return _origin(one) == _origin(other)


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port


def _explanation(failure: Exception) -> str:
    text = str(failure) or type(failure).__name__
    if isinstance(failure.__cause__ and failure.__cause__.__cause__, ssl.SSLError) or "CERTIFICATE" in text:
        return f"{text}\nIf you trust this server all the same: --no-verify-ssl."
    if isinstance(failure, httpx.TimeoutException):
        return "It did not answer in time."
    return f"{text}\nIs the server running there? Set --conda-store-url or CONDA_STORE_URL."
