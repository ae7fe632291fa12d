"""Which credential belongs to an address: the one whose own address is the longest that the address lies below.

Scheme, host and port must be the very same, so nothing that is for https is ever shown to plain http.
"""

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import quote, urlsplit

Credentials = Mapping[str, Mapping[str, str]]

_OPTION = "CondaStoreWorker.channel_credentials"
_DEFAULT_PORTS = {"http": 80, "https": 443}
_Place = tuple[str, str, int | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """``address`` is where it is shown; of ``token`` (in the path), ``authorization`` and ``basic`` some are set.

    ``authorization`` is the value of the header, ``basic`` user name and password where it is made of these.
    """

    name: str
    address: str
    token: str | None = field(default=None, repr=False)
    authorization: str | None = field(default=None, repr=False)
    basic: tuple[str, str] | None = field(default=None, repr=False)

    @classmethod
    def of(cls, name: str, entry: Mapping[str, str]) -> Self:
        """Read what ``config.credentials`` checked."""
        address, token = entry["address"], entry.get("token")
        if "username" in entry:
            basic = (entry["username"], entry["password"])
            encoded = base64.b64encode(":".join(basic).encode()).decode()
            return cls(name=name, address=address, authorization=f"Basic {encoded}", basic=basic)
        authorization = f"Bearer {entry['bearer']}" if "bearer" in entry else entry.get("authorization")
        return cls(name=name, address=address, token=token, authorization=authorization)

    @property
    def place(self) -> _Place:
        """Scheme, host and port."""
        return place_of(self.address)

    @property
    def kind(self) -> str:
        """In words."""
        if self.token is not None:
            return "a token in the path"
        return "a user name with a password" if self.basic else "an Authorization header"

    def with_token(self, address: str) -> str:
        """``address``, which it is for, as it is asked for: ``/t/<token>/`` stands first in the path."""
        if self.token is None:
            return address
        parts = urlsplit(address)
        return parts._replace(path=f"/t/{self.token}{parts.path}").geturl()


class CredentialBook:
    """Credentials by the addresses they are for."""

    def __init__(self, credentials: Credentials) -> None:
        known = [Credential.of(name, entry) for name, entry in credentials.items()]
        self.entries = tuple(sorted(known, key=lambda one: len(one.address), reverse=True))

    def find(self, address: str) -> Credential | None:
        """The credential for ``address``, which may be that of a channel, a package or an index; None without one."""
        place, path = place_of(address), urlsplit(address).path
        for one in self.entries:
            below = urlsplit(one.address).path
            if one.place == place and (path == below or path.startswith(f"{below}/")):
                return one
        return None

    def with_login(self, address: str) -> str:
        """The address of an index, or of a file in one, with the user and the password for it, if there are any.

        uv takes these from an address, sends them there alone and keeps them to itself.
        """
        found = self.find(address)
        if found is None or found.basic is None:
            return address
        user, password = (quote(text, safe="") for text in found.basic)
        parts = urlsplit(address)
        return parts._replace(netloc=f"{user}:{password}@{parts.netloc.rpartition('@')[2]}").geturl()

    def is_verified(self, host: str) -> bool:
        """Whether ``host``, which may have a port, is shown something by https, and so must prove who it is."""
        name, _, port = host.lower().partition(":")
        places = [one.place for one in self.entries]
        return any(place[:2] == ("https", name) and port in ("", str(place[2])) for place in places)

    def index_refusal(self, address: str) -> str:
        """What to tell of a package index that refused access."""
        found = self.find(address)
        if found is None or found.basic is not None:
            return self.refusal(address)
        return (
            f"the credential {found.name!r} for it is {found.kind}, which package indexes are not shown; "
            f"name a user name with a password for its address in {_OPTION}"
        )

    def refusal(self, address: str) -> str:
        """What to tell of ``address`` that refused access: which credential it was shown, by its name."""
        found = self.find(address)
        if found is not None:
            return f"it was shown the credential {found.name!r}; check that in {_OPTION}"
        return f"it was shown no credential; if it needs one, name one for its address in {_OPTION}"


def place_of(address: str) -> _Place:
    """Scheme, host and port of an address; nothing else tells whom one speaks to."""
    parts = urlsplit(address)
    scheme = parts.scheme.lower()
    try:
        port = parts.port
    except ValueError:
        port = -1
    return scheme, (parts.hostname or "").lower(), port or _DEFAULT_PORTS.get(scheme)
