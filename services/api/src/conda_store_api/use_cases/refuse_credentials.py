"""Refuses credentials inside addresses, before anything is stored (design §5)."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from conda_store_api.use_cases.resolve_order import Submission
from conda_store_shared.conda.channels import strip_credentials
from conda_store_shared.conda.match_spec import channel_of_match_spec
from conda_store_shared.domain.address_credentials import (
    REMEDY,
    channel_has_credentials,
    has_user,
    index_has_credentials,
)
from conda_store_shared.domain.lockfile import Lockfile
from conda_store_shared.domain.pip_options import is_pip_option
from conda_store_shared.domain.specification import Specification
from conda_store_shared.errors import InvalidSpecification

_BRACKETED = re.compile(r"[\[,\s](?:channel|url)\s*=\s*['\"]?(?P<place>[^'\"\],]+)")


def refuse_credentials(submission: Submission) -> None:
    """Raise InvalidSpecification naming what is written with a credential, and never that."""
    found = [
        *(_in_specification(submission.specification) if submission.specification else ()),
        *(_in_lockfile(submission.lockfile) if submission.lockfile else ()),
    ]
    if found:
        raise InvalidSpecification("\n".join(f"{what} {REMEDY}" for what in dict.fromkeys(found)))


def refuse_credentials_of(specification: Specification) -> None:
    """As ``refuse_credentials``, of a specification that is not to be built."""
    refuse_credentials(Submission.of(specification))


def _in_specification(specification: Specification) -> Iterator[str]:
    for channel in specification.channels:
        if channel_has_credentials(channel):
            yield _channel(channel)
    for number, text in enumerate(specification.dependencies):
        places = [place for place in _places(text) if channel_has_credentials(place)]
        yield from map(_channel, places)
        if has_user(text) and not places:
            yield f"dependency {number + 1}"
    for number, text in enumerate(specification.pip):
        option, _, address = text.replace("=", " ").partition(" ")
        if has_user(text) or (is_pip_option(text) and index_has_credentials(address.strip())):
            yield f"{option} of the pip section" if is_pip_option(text) else f"entry {number + 1} of the pip section"


def _places(dependency: str) -> Iterator[str]:
    """Channels and addresses that a MatchSpec names."""
    channel = channel_of_match_spec(dependency)
    if channel is not None:
        yield channel
    for found in _BRACKETED.finditer(dependency):
        yield found["place"].strip()


def _in_lockfile(lockfile: Lockfile) -> Iterator[str]:
    for package in lockfile.packages:
        found = channel_has_credentials if package.manager == "conda" else has_user
        if found(package.url):
            yield f"package {package.name} of the lockfile"
    for channel in _channels(lockfile.value):
        if channel_has_credentials(channel):
            yield _channel(channel)
    if any(has_user(text) for text in _texts(lockfile.value)):
        yield "some address in the lockfile"


def _channels(value: Mapping[str, Any]) -> Iterator[str]:
    """Channels are texts, or mappings that have one as ``url``."""
    channels = value["metadata"].get("channels")
    for channel in channels if isinstance(channels, list) else ():
        url = channel.get("url") if isinstance(channel, Mapping) else channel
        if isinstance(url, str):
            yield url


def _texts(value: Any) -> Iterator[str]:
    waiting = [value]
    while waiting:
        part = waiting.pop()
        if isinstance(part, str):
            yield part
        elif isinstance(part, Mapping):
            waiting += [*part.keys(), *part.values()]
        elif isinstance(part, list | tuple):
            waiting += part


def _channel(channel: str) -> str:
    shown = strip_credentials(channel)
    # What is no address may keep parts of it.
    return "a channel" if channel_has_credentials(shown) else f"channel {shown}"
