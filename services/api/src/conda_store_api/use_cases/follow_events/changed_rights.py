"""Which public events tell that somebody may do more or less than before."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from conda_store_shared.db.models import PublicEvent
from conda_store_shared.domain.public_event import PublicEventType
from conda_store_shared.web.authentication import BindingSource, Principal

_GRANTS = (PublicEventType.ROLE_GRANTED, PublicEventType.ROLE_REVOKED)


@dataclass(frozen=True, slots=True)
class ChangedRights:
    """Whose role bindings of the database may be others now: by primary namespace, or by who granted them."""

    holders: set[str] = field(default_factory=set)
    granters: set[str] = field(default_factory=set)

    def __bool__(self) -> bool:
        return bool(self.holders or self.granters)

    def concern(self, principal: Principal) -> bool:
        """Whether somebody may do more or less than before."""
        granted = principal.sources.get(BindingSource.DATABASE, ())
        return principal.primary_namespace in self.holders or any(
            binding.namespace in self.granters for binding in granted
        )


def changed_by(events: Sequence[PublicEvent]) -> ChangedRights:
    """Return what follows from ``events``.

    Roles are granted by a namespace to another one, or (role mappings version 1) to its own holders; a namespace that
    is deleted neither grants nor holds any more.
    """
    changed = ChangedRights()
    for event in events:
        if event.type in (PublicEventType.NAMESPACE_CHANGED, PublicEventType.NAMESPACE_DELETED):
            changed.holders.add(event.namespace)
        if event.type in _GRANTS and event.data.get("other_namespace") is not None:
            changed.holders.add(event.data["other_namespace"])
        elif event.type in (*_GRANTS, PublicEventType.NAMESPACE_DELETED):
            changed.granters.add(event.namespace)
    return changed
