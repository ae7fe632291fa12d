"""Speaks HTTP to an identity provider, which may be slow, broken or hostile: bounded in time and in size."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from typing import Any, cast

import httpx2
import structlog
from authlib.integrations.base_client import OAuthError
from authlib.integrations.httpx_client import AsyncOAuth2Client

from conda_store_shared.errors import LoginRefused, ProviderUnavailable

MAXIMUM_ANSWER = 1024 * 1024
MAXIMUM_REASON = 300

# What a gateway says of a provider that is down.
_DOWN = (502, 503, 504)
_HEADERS = {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "conda-store"}

_log = structlog.get_logger()


class ProviderClient:
    """Makes requests to the provider called ``name``; gives up on each after ``timeout`` seconds."""

    def __init__(self, name: str, *, timeout: float, tls_verify: bool) -> None:
        self.name = name
        self._timeout = timeout
        self._tls = httpx2.create_ssl_context(verify=tls_verify)

    @asynccontextmanager
    async def oauth(self, **client: Any) -> AsyncIterator[AsyncOAuth2Client]:
        """Open an OAuth client; raises ProviderUnavailable and LoginRefused for what goes wrong within."""
        hooks = {"response": [self._bound]}
        options = {"verify": self._tls, "timeout": self._timeout, "headers": _HEADERS, "event_hooks": hooks}
        with self._told():
            async with AsyncOAuth2Client(**client, **options) as opened:
                opened.register_compliance_hook("access_token_response", self._check_status)
                yield opened

    async def read(self, client: AsyncOAuth2Client, url: str, access_token: str | None = None) -> Mapping[str, Any]:
        """Return the JSON object at ``url``, asked for with the access token if there is one."""
        headers = {"Authorization": f"Bearer {access_token}"} if access_token is not None else {}
        async with asyncio.timeout(self._timeout):
            answer = await client.request("GET", url, withhold_token=True, headers=headers)
        return self._object(answer)

    async def exchange(self, client: AsyncOAuth2Client, url: str, **parameters: str) -> Mapping[str, Any]:
        """Return what the provider gives for an authorization code: an access token at least."""
        async with asyncio.timeout(self._timeout):
            given: dict[str, Any] = await client.fetch_token(url, grant_type="authorization_code", **parameters)
        if not isinstance(given.get("access_token"), str):
            raise LoginRefused(f"{self.name} gave no access token")
        return given

    async def _bound(self, answer: httpx2.Response) -> None:
        if answer.headers.get("content-encoding", "identity") != "identity":
            raise ValueError("an encoding nobody asked for")
        answer.stream = _Bounded(cast(httpx2.AsyncByteStream, answer.stream))

    def _check_status(self, answer: httpx2.Response) -> httpx2.Response:
        if answer.status_code in _DOWN:
            raise ProviderUnavailable(f"{self.name} is not available; please try again in a moment")
        if answer.status_code != httpx2.codes.OK:
            told = _read_object(answer) if "json" in answer.headers.get("content-type", "") else {}
            what = told.get("error", f"HTTP status {answer.status_code}")
            raise LoginRefused(refusal(self.name, what, told.get("error_description")))
        return answer

    def _object(self, answer: httpx2.Response) -> Mapping[str, Any]:
        return _read_object(self._check_status(answer))

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Tell what a library raises in words of ours."""
        try:
            yield
        except OAuthError as error:
            raise LoginRefused(refusal(self.name, error.error, error.description)) from error
        except (TimeoutError, httpx2.TransportError, ssl.SSLError) as error:
            _log.warning("provider_unavailable", provider=self.name, error=repr(error))
            raise ProviderUnavailable(f"{self.name} does not answer; please try again in a moment") from error
        except (httpx2.HTTPError, httpx2.InvalidURL, ValueError, RecursionError) as error:
            _log.warning("provider_not_understood", provider=self.name, error=repr(error)[:MAXIMUM_REASON])
            raise LoginRefused(f"{self.name} answered something that cannot be understood") from error


def _read_object(answer: httpx2.Response) -> Mapping[str, Any]:
    told = answer.json()
    if not isinstance(told, dict):
        raise ValueError("no JSON object")
    return told


class _Bounded(httpx2.AsyncByteStream):
    """A stream that breaks off when it grows too long."""

    def __init__(self, stream: httpx2.AsyncByteStream) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        taken = 0
        async for chunk in self._stream:
            taken += len(chunk)
            if taken > MAXIMUM_ANSWER:
                raise ValueError("an answer longer than any that is needed")
            yield chunk

    async def aclose(self) -> None:
        """Close what is read."""
        await self._stream.aclose()


def refusal(name: str, error: object, description: object) -> str:
    """What a provider said, as one line a person can read."""
    told = ": ".join(part for part in (error, description) if isinstance(part, str) and part)
    line = "".join(character if character.isprintable() else " " for character in told)
    return f"{name} says {line[:MAXIMUM_REASON] or 'nothing'}"
