"""Credentials of channels and package indexes, by name: checked, and in one form (docs/how-to/private-channels.md).

No text here tells a value: it is a secret, and so may be whatever stands where a value belongs.
"""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from conda_store_shared.errors import ConfigurationError

Credentials = dict[str, dict[str, str]]

OPTION = "CondaStoreWorker.channel_credentials"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_KINDS = (
    frozenset({"token"}),
    frozenset({"username", "password"}),
    frozenset({"bearer"}),
    frozenset({"authorization"}),
)
_FORM = "it has an address, and one of: token; username and password; bearer; authorization"
_PRINTABLE = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?")
_TOKEN = re.compile(r"[A-Za-z0-9._~!$&'()*+,;=:@%-]+")
_DEFAULT_PORTS = {"http": 80, "https": 443}


def read_credentials(value: Mapping[Any, Any]) -> Credentials:
    """Return credentials by name, each with its ``address`` and what it shows; raises ConfigurationError.

    An address that stands for a name has the value of an Authorization header.
    """
    found = dict(_read(name, entry) for name, entry in value.items())
    addresses: dict[str, str] = {}
    for name, entry in found.items():
        other = addresses.setdefault(entry["address"], name)
        if other != name:
            raise ConfigurationError(f"{OPTION}: {other!r} and {name!r} are for one address, {entry['address']}")
    return found


def _read(name: Any, entry: Any) -> tuple[str, dict[str, str]]:
    if isinstance(name, str) and "://" in name:
        address = _address(name, "the key of a credential")
        text = entry if isinstance(entry, str) else None
        return (address, _checked(address, {"address": address, "authorization": text})) if text else _own(name, entry)
    return _own(name, entry)


def _own(name: Any, entry: Any) -> tuple[str, dict[str, str]]:
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise ConfigurationError(f"{OPTION}: a name has at most 64 letters, digits, dots, dashes and underscores")
    if not isinstance(entry, Mapping):
        raise ConfigurationError(f"{OPTION}: credential {name!r} is no mapping; {_FORM}")
    return name, _checked(name, entry)


def _checked(name: str, entry: Mapping[Any, Any]) -> dict[str, str]:
    if frozenset(entry) - {"address"} not in _KINDS or "address" not in entry:
        raise ConfigurationError(f"{OPTION}: credential {name!r} is incomplete, or says too much; {_FORM}")
    what = f"credential {name!r}"
    for field, value in entry.items():
        if not isinstance(value, str) or not _is_fit(field, value):
            raise ConfigurationError(f"{OPTION}: {field} of {what} is empty, or has characters it cannot have")
    return {**entry, "address": _address(entry["address"], what)}


def _is_fit(field: str, value: str) -> bool:
    if field == "token":
        return bool(_TOKEN.fullmatch(value))
    if field in ("bearer", "authorization", "address"):
        return bool(_PRINTABLE.fullmatch(value))
    return bool(value) and value.isprintable() and not (field == "username" and ":" in value)


def _address(text: str, what: str) -> str:
    """Scheme, host, port unless it is the usual one, and path without a slash at its end."""
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    scheme, host = parts.scheme.lower(), (parts.hostname or "").lower()
    if scheme not in _DEFAULT_PORTS or not host or parts.query or parts.fragment:
        raise ConfigurationError(f"{OPTION}: {what} is for no address that begins with https:// or http://")
    if "@" in parts.netloc or re.match(r"/t/[^/]+", parts.path):
        raise ConfigurationError(f"{OPTION}: the address of {what} holds a credential itself; {_FORM}")
    shown = f"[{host}]" if ":" in host else host
    place = f"{shown}:{port}" if port not in (None, _DEFAULT_PORTS[scheme]) else shown
    return f"{scheme}://{place}{parts.path.rstrip('/')}"
