"""Where a browser may be sent after login and logout: nowhere but to ourselves."""

import re
from urllib.parse import urlsplit

MAXIMUM_LENGTH = 2000

# Browsers drop tabs and newlines and read "\" as "/", so "/\evil.example" and "/<tab>/evil.example" lead elsewhere.
_DANGEROUS = re.compile(r"[\x00-\x20\x7f-\x9f\\]")


def is_own_page(address: str, origin: str) -> bool:
    """Whether ``address`` is a page of ``origin`` (``https://host[:port]``), absolute or relative to it."""
    if not address or len(address) > MAXIMUM_LENGTH or _DANGEROUS.search(address) or address.startswith("//"):
        return False
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    if not parts.scheme and not parts.netloc:
        return True
    return f"{parts.scheme}://{parts.netloc}".lower() == origin.lower()
