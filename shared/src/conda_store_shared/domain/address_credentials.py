"""Credentials inside addresses of channels and package indexes, which are refused: whatever holds one is stored."""

import re
from urllib.parse import urlsplit

# A user, with a password or being a token itself; that of git's own protocol is no secret.  What follows a host and a
# colon and is no port is taken for a password, however odd.  No part reads on into the next address: how long it takes
# to look is to follow from the length of the text.
_USER = re.compile(r"://(?!git@)(?:[^\s/?#@]*+@|[^\s/?#@:]*+:(?!\d*+(?:[\s/?#]|$))(?:(?!://)[^\s@])*+@)")
_TOKEN = re.compile(r"(?:^|/)t/[^/\s]+")
# Of a text that is not read yet: addresses and names in lists, not those of pages in comments and descriptions; files
# may lie below ``/t/``.
_LISTED = re.compile(
    r"^[ \t]*(?:[-\['\"]|channels\b|dependencies\b)[^#\n]*?(?<![A-Za-z0-9_.-])t/[^/\s]+/"
    r"(?![^\s'\"]{0,300}\.(?:whl|zip|tar\.gz))",
    re.MULTILINE,
)
REMEDY = (
    "is written with a credential in it, which would be stored with it and shown; leave that out, and have it named "
    "for its address in CondaStoreWorker.channel_credentials by whoever runs conda-store"
)


def has_user(text: str) -> bool:
    """Whether some address in ``text`` holds a user or a password."""
    return "@" in text and bool(_USER.search(text))


def channel_has_credentials(channel: str) -> bool:
    """Whether a channel, named by address or by name, is told with a credential."""
    path = urlsplit(channel).path if "://" in channel else channel
    return has_user(channel) or bool(_TOKEN.search(path))


def index_has_credentials(address: str) -> bool:
    """Whether a package index is told with a credential; elsewhere than first, ``t`` is a directory like others."""
    return has_user(address) or bool(re.match(r"/t/[^/\s]+", urlsplit(address).path if "://" in address else ""))


def text_has_credentials(text: str) -> bool:
    """Whether a text, not yet read, seems to hold such an address."""
    return has_user(text) or bool(_LISTED.search(text))
