"""Channels: their addresses, the allow-list, and keeping credentials out of what is written down."""

import re
from collections.abc import Iterable
from urllib.parse import unquote, urlsplit, urlunsplit

from conda_store_shared.errors import ChannelNotAllowed

_ADDRESS = re.compile(r"https?://", re.IGNORECASE)
# No channel, but a word that keeps a user's own default channels away; here there are none.
_NODEFAULTS = "nodefaults"
_TOKEN = re.compile(r"/t/[^/]+(?=/|$)")


def normalise_channel(channel: str, alias: str) -> str:
    """Address of a channel, without a slash at its end: kept when it is one, else a name below ``alias``."""
    text = channel.strip()
    if not _ADDRESS.match(text):
        text = f"{alias.rstrip('/')}/{text.strip('/')}"
    return text.rstrip("/")


def strip_credentials(address: str) -> str:
    """Address of a channel or of a package in one, without user, password and ``/t/<token>``."""
    parts = urlsplit(strip_user(address))
    return urlunsplit(parts._replace(path=_TOKEN.sub("", parts.path))) if parts.scheme else address


def strip_user(address: str) -> str:
    """Any address without user and password; elsewhere than in channels ``/t/`` is a directory like others."""
    parts = urlsplit(address)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2])) if parts.scheme else address


def check_channels(channels: Iterable[str], allowed: Iterable[str], alias: str) -> tuple[str, ...]:
    """Return the addresses of ``channels``; an empty ``allowed`` permits all.  Raises ChannelNotAllowed."""
    names = [channel.strip() for channel in channels if channel.strip() != _NODEFAULTS]
    foreign = sorted(name for name in names if "://" in name and not _ADDRESS.match(name))
    if foreign:
        raise ChannelNotAllowed(
            f"Conda channels {_set(map(strip_credentials, foreign))} not allowed in specification; "
            "channels are names, or addresses that begin with http:// or https://"
        )
    addresses = tuple(dict.fromkeys(normalise_channel(name, alias) for name in names))
    permitted = {_comparable(normalise_channel(channel, alias)) for channel in allowed}
    refused = sorted(strip_credentials(one) for one in addresses if permitted and _comparable(one) not in permitted)
    if refused:
        raise ChannelNotAllowed(
            f"Conda channels {_set(refused)} not allowed in specification; allowed: {', '.join(sorted(permitted))}"
        )
    return addresses


def check_package_address(address: str, allowed: Iterable[str]) -> None:
    """Raise ChannelNotAllowed unless ``address`` is ``<channel>/<subdir>/<file>`` of a channel in ``allowed``.

    An empty ``allowed`` permits every channel that is reached by http or https.
    """
    permitted = {_comparable(channel) for channel in allowed}
    channel = _comparable(channel_of(address))
    if permitted and channel not in permitted:
        allowing = ", ".join(sorted(permitted))
        raise ChannelNotAllowed(f"package {strip_credentials(address)} is in no allowed channel; allowed: {allowing}")
    if not permitted and not _ADDRESS.match(channel):
        raise ChannelNotAllowed(f"package {strip_credentials(address)} is not reached by http or https")


def channel_of(address: str) -> str:
    """Address of the channel a package at ``address`` lies in; raises ChannelNotAllowed when it cannot be told."""
    parts = urlsplit(address)
    segments = parts.path.split("/")
    misleading = any(unquote(segment) in (".", "..") or "\\" in unquote(segment) for segment in segments)
    if misleading or len(segments) < 3 or not segments[-1] or not segments[-2]:
        raise ChannelNotAllowed(f"package {strip_credentials(address)} is in no channel: <channel>/<subdir>/<file>")
    return urlunsplit((parts.scheme, parts.netloc, "/".join(segments[:-2]), "", ""))


def _comparable(address: str) -> str:
    parts = urlsplit(strip_credentials(address))
    return urlunsplit((parts.scheme.lower(), parts.netloc.lower(), parts.path.rstrip("/"), "", ""))


def _set(texts: Iterable[str]) -> str:
    return "{" + ", ".join(repr(text) for text in texts) + "}"
