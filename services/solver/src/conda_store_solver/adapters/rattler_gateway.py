"""Repodata by py-rattler: kept warm between solves, probed before each, with errors that name the channel."""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TypeVar

from rattler import Gateway
from rattler.exceptions import GatewayError

from conda_store_shared.conda.certificates import REMEDY, is_untrusted
from conda_store_shared.conda.channel_client import ChannelAccess, channel_access
from conda_store_shared.conda.channels import strip_credentials
from conda_store_shared.conda.credentials import Credentials
from conda_store_shared.domain.platforms import NOARCH
from conda_store_shared.domain.stage import FailureCode
from conda_store_shared.errors import StageFailure

Answer = TypeVar("Answer")

_STATUS = re.compile(r"HTTP status (?:client|server) error \((\d{3})")
_FORBIDDEN = frozenset({"401", "403", "407"})
_ABSENT = frozenset({"404", "410"})
# What the gateway says of a file:// channel that is not there.
_NO_SUBDIR = "could not find subdir"
# Of repodata that came whole.
_MALFORMED = ("failed to parse repodata", "failed to extract repodata", "is not a valid package name")
_NOT_MODIFIED = "(304"


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayOptions:
    """``credentials`` are of channels and package indexes, by name.

    Repodata older than ``max_age`` seconds is asked for again; ``request_timeout`` is in seconds.
    """

    cache_directory: str
    credentials: Credentials = field(default_factory=dict, repr=False)
    max_age: float = 60.0
    request_timeout: int = 60
    retries: int = 2


class ChannelGateway:
    """One gateway for the life of a process: memory never shrinks, and a second one would hold everything twice."""

    def __init__(self, options: GatewayOptions) -> None:
        self._options = options
        cache = Path(options.cache_directory) / "repodata"
        cache.mkdir(parents=True, exist_ok=True)
        self._access = channel_access(options.credentials)
        client = self._access.client(retries=options.retries, timeout=options.request_timeout)
        self.gateway = Gateway(cache_dir=cache, client=client)
        self._asked: dict[str, float] = {}
        self._names: dict[tuple[str, str], frozenset[str]] = {}

    async def prepare(self, channels: Sequence[str], platforms: Sequence[str], patience: float) -> None:
        """See to it that every channel is there and its repodata recent, for at most ``patience`` seconds.

        Raises StageFailure naming the channel.
        """
        self._forget_old(channels)
        await asyncio.gather(*(self._probe_in_time(channel, platforms, patience) for channel in channels))

    async def ask(self, channels: Sequence[str], question: Callable[[], Awaitable[Answer]]) -> Answer:
        """Ask the gateway something about ``channels``; raises StageFailure naming the channel that failed."""
        try:
            return await self._ask_twice(channels, question)
        except GatewayError as error:
            # Not from the error: its text is that of the request, before it is made fit to be shown.
            raise channel_failure(str(error), channels, self._access) from None

    async def _ask_twice(self, channels: Sequence[str], question: Callable[[], Awaitable[Answer]]) -> Answer:
        try:
            return await question()
        except GatewayError as error:
            if _NOT_MODIFIED not in str(error):
                raise
        # Some servers answer a conditional request with a 304 that lacks ETag and Last-Modified; the gateway cannot
        # use that, now or later, unless it has nothing to compare with.
        for channel in channels:
            self.gateway.clear_repodata_cache(channel, clear_disk=True)
        return await question()

    def first_channel(self, name: str, channels: Sequence[str], platform: str) -> str | None:
        """The first of ``channels`` that has a package ``name``; they must be prepared."""
        return next((channel for channel in channels if name in self._names[channel, platform]), None)

    async def _probe_in_time(self, channel: str, platforms: Sequence[str], patience: float) -> None:
        try:
            async with asyncio.timeout(patience):
                await self._probe(channel, platforms)
        except TimeoutError as error:
            detail = f"channel {strip_credentials(channel)} did not answer within {patience:.0f} seconds"
            raise StageFailure(FailureCode.CHANNEL_UNREACHABLE, detail, transient=True) from error

    async def _probe(self, channel: str, platforms: Sequence[str]) -> None:
        missing = [platform for platform in platforms if (channel, platform) not in self._names]
        for platform in missing:
            names = await self.ask([channel], partial(self.gateway.names, [channel], [platform, NOARCH]))
            self._names[channel, platform] = frozenset(str(name.normalized) for name in names)
        # To rattler a channel that is not there is an empty one.
        if not any(self._names[channel, platform] for platform in platforms):
            raise StageFailure(
                FailureCode.CHANNEL_NOT_FOUND,
                f"channel {strip_credentials(channel)} was not found, or holds no packages for "
                f"{', '.join(platforms)}; check how it is spelled; {self._access.book.refusal(channel)}",
            )

    def _forget_old(self, channels: Sequence[str]) -> None:
        now = time.monotonic()
        for channel in channels:
            if now - self._asked.get(channel, -self._options.max_age) >= self._options.max_age:
                self.gateway.clear_repodata_cache(channel)
                self._asked[channel] = now
                self._names = {key: names for key, names in self._names.items() if key[0] != channel}


def channel_failure(text: str, channels: Sequence[str], access: ChannelAccess) -> StageFailure:
    """What an error of rattler's about one of ``channels`` means, with the channel's name and no credentials."""
    text = access.plain(text)
    name = strip_credentials(_channel_in(text, channels))
    if is_untrusted(text):
        detail = f"channel {name} has a certificate that is not trusted; {REMEDY}: {strip_credentials_in(text)}"
        return StageFailure(FailureCode.CHANNEL_UNREACHABLE, detail)
    status = _STATUS.search(text)
    code = status[1] if status else ""
    if code in _FORBIDDEN:
        return StageFailure(
            FailureCode.CHANNEL_FORBIDDEN,
            f"channel {name} refused access (HTTP {code}): {access.book.refusal(name)}",
        )
    if code in _ABSENT or _NO_SUBDIR in text:
        detail = f"channel {name} was not found; check how it is spelled; {access.book.refusal(name)}"
        return StageFailure(FailureCode.CHANNEL_NOT_FOUND, detail)
    reason = text
    for channel in channels:
        reason = reason.replace(channel, strip_credentials(channel))
    if any(mark in text for mark in _MALFORMED):
        detail = f"channel {name} publishes repodata that is none: {reason}"
        return StageFailure(FailureCode.INVALID_CHANNEL, detail)
    return StageFailure(FailureCode.CHANNEL_UNREACHABLE, f"channel {name} cannot be read: {reason}", transient=True)


def _channel_in(text: str, channels: Sequence[str]) -> str:
    """The channel an error speaks of: the longest whose address is in its text, else all of them."""
    plain = sorted((strip_credentials(channel) for channel in channels), key=len, reverse=True)
    found = next((channel for channel in plain if channel in strip_credentials_in(text)), None)
    return found or ", ".join(plain)


def strip_credentials_in(text: str) -> str:
    """``text`` with credentials taken out of every address."""
    return re.sub(r"\b\w{1,16}://[^\s)'`]+", lambda found: strip_credentials(found[0]), text)
