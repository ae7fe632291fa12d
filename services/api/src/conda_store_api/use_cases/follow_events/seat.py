"""Who reads streams: everything that was opened with one credential, and what its holder may know of now."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from conda_store_api.repositories.events import EventReader
from conda_store_api.use_cases.event_readers import event_reader
from conda_store_shared.db.models import PublicEvent
from conda_store_shared.web.authentication import BindingSource, Principal

EXPIRED = "the token has expired or was revoked; log in again"


@dataclass(frozen=True, slots=True)
class Logged:
    """An event of the log as it is sent."""

    event: PublicEvent
    frame: bytes


class Follower(Protocol):
    """One open stream."""

    def offer(self, known: Sequence[Logged], through: int) -> None:
        """These are the events, up to the id ``through``, that its reader may know of."""
        ...

    def check(self, principal: Principal) -> None:
        """Its reader may do more or less than before."""
        ...

    def refuse(self, message: str) -> None:
        """Its reader may not read it any more."""
        ...


@dataclass(slots=True, eq=False)
class Seat:
    """The streams of one credential; ``due`` is when its role bindings are read anew, whatever happens."""

    principal: Principal
    due: float
    reader: EventReader = field(init=False)
    followers: set[Follower] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.reader = event_reader(self.principal)

    def become(self, principal: Principal) -> None:
        """Let the holder of the credential do what it may do now."""
        if principal.bindings != self.principal.bindings:
            self.reader = event_reader(principal)
        self.principal = principal
        for follower in tuple(self.followers):
            follower.check(principal)

    def refuse(self) -> None:
        """End every stream of a credential that counts no more."""
        for follower in tuple(self.followers):
            follower.refuse(EXPIRED)


SeatKey = tuple[object, ...]


def seat_key(principal: Principal) -> SeatKey:
    """What tells one credential from another: predefined tokens have no id, and the anonymous share one seat."""
    own = tuple(principal.sources.get(BindingSource.TOKEN, ()))
    return principal.token_id, principal.authenticated, principal.primary_namespace, own
