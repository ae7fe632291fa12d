"""Requests to a registry: with what it wants to be shown, and again when it is at fault."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import aiohttp

from conda_store_artifacts.adapters.registry_authorization import RegistryAtFault, answer_challenges, read_challenges
from conda_store_artifacts.domain.image_reference import Repository
from conda_store_shared.bus.backoff import Backoff
from conda_store_shared.domain.stage import FailureCode
from conda_store_shared.errors import StageFailure
from conda_store_shared.redaction import redact

PULL, PUSH = "pull", "pull,push"
TRIES = 5
_LONGEST_REASON = 500
_MOST_ERROR_BYTES = 64 * 1024
Read = Callable[[aiohttp.ClientResponse], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientOptions:
    """Seconds to connect, and between two signs of life; and how long to wait before a request is repeated."""

    connect: float = 10.0
    silence: float = 60.0
    pauses: Backoff = field(default_factory=lambda: Backoff(first=0.5, longest=10.0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """A request: ``actions`` are what it needs to be allowed, ``body`` is read anew each time it is sent.

    It is sent ``tries`` times at most.  With ``may_miss`` 404 is a good answer as well.
    """

    method: str
    url: str
    actions: str = PULL
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Callable[[], AsyncIterator[bytes]] | bytes | None = None
    may_miss: bool = False
    tries: int = TRIES


class RegistryTransport:
    """Sends requests; what was shown to a repository is shown again until it is refused."""

    def __init__(self, options: ClientOptions | None = None) -> None:
        self._options = options or ClientOptions()
        self._shown: dict[tuple[Repository, str], str] = {}

    @asynccontextmanager
    async def session(self) -> AsyncIterator[aiohttp.ClientSession]:
        """Connections for some requests, which are closed afterwards."""
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=self._options.connect, sock_read=self._options.silence)
        # What is compressed on its way would have another digest.
        plain = {"Accept-Encoding": "identity"}
        async with aiohttp.ClientSession(
            timeout=timeout, trust_env=True, auto_decompress=False, headers=plain
        ) as session:
            yield session

    async def pause(self, repeats: int) -> None:
        """Wait before something is tried again that was repeated so often."""
        await asyncio.sleep(self._options.pauses.delay(repeats))

    async def ask(
        self, session: aiohttp.ClientSession, repository: Repository, ask: Ask, read: Read | None = None
    ) -> aiohttp.ClientResponse:
        """Return a good answer, whose body ``read`` has seen.

        Raises StageFailure: registry_refused, or registry_unreachable when trying again did not help.
        """
        reason = ""
        for repeats in range(ask.tries):
            try:
                return await self._try(session, repository, ask, read)
            except (RegistryAtFault, aiohttp.ClientError, TimeoutError, OSError) as error:
                reason = _told(error)
            if repeats < ask.tries - 1:
                await self.pause(repeats)
        detail = f"registry {repository.host} cannot be used: {reason}"
        raise StageFailure(FailureCode.REGISTRY_UNREACHABLE, detail, transient=True)

    async def _try(
        self, session: aiohttp.ClientSession, repository: Repository, ask: Ask, read: Read | None
    ) -> aiohttp.ClientResponse:
        key = (repository, ask.actions)
        is_own = _origin(ask.url) == _origin(repository.address)
        async with _sent(session, ask, self._shown.get(key) if is_own else None) as answer:
            if answer.status != 401:
                return await _received(answer, repository, ask, read)
            if not is_own:
                raise _elsewhere(repository, ask)
            challenges = read_challenges(answer.headers.getall("WWW-Authenticate", []))
        self._shown.pop(key, None)
        shown = await answer_challenges(challenges, repository, ask.actions, session)
        async with _sent(session, ask, shown) as answer:
            if shown is not None and answer.status != 401:
                self._shown[key] = shown
            return await _received(answer, repository, ask, read)


def _origin(url: str) -> tuple[str, str | None, int | None]:
    """Who is asked: scheme, host and port."""
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or {"http": 80, "https": 443}.get(parts.scheme)


def _elsewhere(repository: Repository, ask: Ask) -> StageFailure:
    """The failure of an upload to a place that a registry named, and that is not to see our password."""
    parts = urlsplit(ask.url)
    where = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
    detail = f"registry {repository.host} sends to {where}, which wants a password; {repository.address} alone is shown"
    return StageFailure(FailureCode.REGISTRY_REFUSED, f"{detail} that of the registry")


@asynccontextmanager
async def _sent(session: aiohttp.ClientSession, ask: Ask, shown: str | None) -> AsyncIterator[aiohttp.ClientResponse]:
    headers = {**ask.headers, "Authorization": shown} if shown else dict(ask.headers)
    body = ask.body() if callable(ask.body) else ask.body
    async with session.request(ask.method, ask.url, headers=headers, data=body) as answer:
        yield answer


async def _received(
    answer: aiohttp.ClientResponse, repository: Repository, ask: Ask, read: Read | None
) -> aiohttp.ClientResponse:
    if 200 <= answer.status < 300 or (answer.status == 404 and ask.may_miss):
        if read is not None and answer.status != 404:
            await read(answer)
        return answer
    reason = await _reason(answer)
    if answer.status >= 500 or answer.status in (408, 429):
        raise RegistryAtFault(reason)
    path = urlsplit(ask.url).path
    who = "" if repository.password else "; no user name and password are set for it"
    hint = who if answer.status in (401, 403) else ""
    detail = f"registry {repository.host} refuses {ask.method} {path}: {reason}{hint}"
    raise StageFailure(FailureCode.REGISTRY_REFUSED, detail)


async def _reason(answer: aiohttp.ClientResponse) -> str:
    """What a registry says is wrong, as far as it says so as specified."""
    content = await answer.content.read(_MOST_ERROR_BYTES)
    try:
        error = json.loads(content)["errors"][0]
        said = f" {error.get('code', '')}: {error.get('message', '')}"
    except (ValueError, LookupError, TypeError, AttributeError):
        said = ""
    return redact(f"{answer.status}{said}")[:_LONGEST_REASON]


def _told(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "it does not answer"
    # Errors of aiohttp may quote an address with what stands in its query.
    return str(error) if isinstance(error, RegistryAtFault) else type(error).__name__
