"""How to show who we are to a registry: Basic, or a token from wherever the registry says.

https://distribution.github.io/distribution/spec/auth/token/
"""

import base64
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

import aiohttp

from conda_store_artifacts.domain.image_reference import Repository
from conda_store_shared.domain.stage import FailureCode
from conda_store_shared.errors import StageFailure

_PARAMETER = re.compile(r'(?P<name>[\w-]+)\s*=\s*(?:"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<plain>[^\s,"]+))')
_SCHEME = re.compile(r"(?:^|,)\s*(?P<scheme>Basic|Bearer)(?=\s|,|$)", re.IGNORECASE)


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

    Raises StageFailure("registry_refused"), and what aiohttp raises.
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
    realm = offered["realm"]
    if urlsplit(realm).scheme != "https" and urlsplit(repository.address).scheme == "https":
        raise StageFailure(
            FailureCode.REGISTRY_REFUSED, f"registry {repository.host} wants its password shown without TLS"
        )
    # The registry knows best: to take a blob from another repository, one has to be allowed to read that as well.
    scopes = offered.get("scope", f"repository:{repository.name}:{actions}").split()
    query = [("scope", scope) for scope in scopes]
    if "service" in offered:
        query.append(("service", offered["service"]))
    shown = _basic(repository)
    headers = {"Authorization": shown} if shown else {}
    async with session.get(realm, params=query, headers=headers) as answer:
        told = await answer.json(content_type=None) if answer.status == 200 else {}
        token = (told.get("token") or told.get("access_token")) if isinstance(told, dict) else None
        if answer.status >= 500 or answer.status == 429:
            answer.raise_for_status()
        if not isinstance(token, str):
            raise StageFailure(
                FailureCode.REGISTRY_REFUSED,
                f"registry {repository.host} gives no token for {repository.name} ({answer.status}): "
                + ("check user name and password" if shown else "it wants a user name and a password"),
            )
        return f"Bearer {token}"
