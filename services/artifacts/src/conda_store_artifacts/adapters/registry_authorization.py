"""How to show who we are to a registry: Basic, or a token from wherever the registry says.

https://distribution.github.io/distribution/spec/auth/token/
"""

import base64
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

import aiohttp

from conda_store_artifacts.domain.image_reference import Repository
from conda_store_shared.domain.stage import FailureCode
from conda_store_shared.errors import StageFailure

_PARAMETER = re.compile(r'(?P<name>[\w-]+)\s*=\s*(?:"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<plain>[^\s,"]+))')
_TOKEN = re.compile(r"[!-~]+")
_MOST_TOKEN_BYTES = 64 * 1024
_LONGEST_PLACE = 200
_SCHEME = re.compile(r"(?:^|,)\s*(?P<scheme>Basic|Bearer)(?=\s|,|$)", re.IGNORECASE)


class RegistryAtFault(Exception):
    """The registry, or what gives out tokens for it, is at fault, and may be better next time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Challenge:
    """One way that a registry offers: ``scheme`` is ``basic`` or ``bearer``."""

    scheme: str
    parameters: Mapping[str, str]


def read_challenges(headers: Iterable[str]) -> list[Challenge]:
    """Return what the values of ``WWW-Authenticate`` offer."""
    challenges = []
    for header in headers:
        found = list(_SCHEME.finditer(header))
        ends = [*(each.start() for each in found[1:]), len(header)]
        for each, end in zip(found, ends, strict=True):
            parameters = {
                match["name"].lower(): match["plain"] or (match["quoted"] or "").replace('\\"', '"')
                for match in _PARAMETER.finditer(header[each.end() : end])
            }
            challenges.append(Challenge(scheme=each["scheme"].lower(), parameters=parameters))
    return challenges


async def answer_challenges(
    challenges: Iterable[Challenge], repository: Repository, actions: str, session: aiohttp.ClientSession
) -> str | None:
    """Return the header Authorization that a registry asks for; None when there is nothing to show.

    Raises StageFailure("registry_refused"), and RegistryAtFault.
    """
    offered = {challenge.scheme: challenge.parameters for challenge in challenges}
    if "bearer" in offered and "realm" in offered["bearer"]:
        return await _fetch_token(offered["bearer"], repository, actions, session)
    return _basic(repository) if "basic" in offered else None


def _basic(repository: Repository) -> str | None:
    if repository.username is None and repository.password is None:
        return None
    shown = f"{repository.username or ''}:{repository.password or ''}"
    return "Basic " + base64.b64encode(shown.encode()).decode()


async def _fetch_token(
    offered: Mapping[str, str], repository: Repository, actions: str, session: aiohttp.ClientSession
) -> str:
    place = _place(offered["realm"], repository)
    query = [("scope", scope) for scope in _scopes(offered.get("scope", ""), f"repository:{repository.name}:", actions)]
    if "service" in offered:
        query.append(("service", offered["service"]))
    shown = _basic(repository)
    headers = {"Authorization": shown} if shown else {}
    try:
        # Where this is sent on to another host, aiohttp does not show the password there.
        async with session.get(offered["realm"], params=query, headers=headers) as answer:
            content = await _read(answer)
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        # Errors of aiohttp may quote an address with what stands in its query.
        raise RegistryAtFault(f"its token server {place}: {type(error).__name__}") from error
    if answer.status >= 500 or answer.status in (408, 429):
        raise RegistryAtFault(f"its token server {place}: {answer.status}")
    token = _token(content) if answer.status == 200 else None
    if token is None:
        raise _no_token(answer.status, place, repository)
    return f"Bearer {token}"


def _place(realm: str, repository: Repository) -> str:
    """The address of a token server as far as it may be told; raises StageFailure when it must not be used."""
    try:
        parts = urlsplit(realm)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        usable = False
    if not usable:
        detail = f"registry {repository.host} gives no usable address of its token server"
        raise StageFailure(FailureCode.REGISTRY_REFUSED, detail)
    if parts.scheme != "https" and urlsplit(repository.address).scheme == "https":
        detail = f"registry {repository.host} wants its password shown without TLS"
        raise StageFailure(FailureCode.REGISTRY_REFUSED, detail)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"[:_LONGEST_PLACE]


def _scopes(wanted: str, own: str, actions: str) -> list[str]:
    """What to ask a token for: what the registry says, and of the repository itself all that is to be done there.

    To take a blob from another repository, one has to be allowed to read that as well.
    """
    scopes = wanted.split() or [own]
    return list(dict.fromkeys(f"{own}{actions}" if scope.startswith(own) else scope for scope in scopes))


async def _read(answer: aiohttp.ClientResponse) -> bytes:
    content = b""
    async for piece in answer.content.iter_chunked(_MOST_TOKEN_BYTES):
        content += piece
        if len(content) > _MOST_TOKEN_BYTES:
            return b""
    return content


def _token(content: bytes) -> str | None:
    try:
        told = json.loads(content)
    except (ValueError, RecursionError):
        return None
    token = (told.get("token") or told.get("access_token")) if isinstance(told, dict) else None
    return token if isinstance(token, str) and _TOKEN.fullmatch(token) else None


def _no_token(status: int, place: str, repository: Repository) -> StageFailure:
    known = repository.username is not None or repository.password is not None
    hint = {
        200: ", which is no token",
        401: "; check user name and password" if known else "; it wants a user name and a password",
    }
    said = f"its token server {place} answers {status}{hint.get(401 if status == 403 else status, '')}"
    detail = f"registry {repository.host} gives no token for {repository.name}: {said}"
    return StageFailure(FailureCode.REGISTRY_REFUSED, detail)
