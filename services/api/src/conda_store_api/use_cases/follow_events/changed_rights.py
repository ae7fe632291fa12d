"""Which public events tell that somebody may do more or less than before."""

from collections.abc import Sequence

from conda_store_shared.db.models import PublicEvent
from conda_store_shared.domain.public_event import PublicEventType

# The primary namespaces whose holders may do more or less; None is everybody's.
Affected = frozenset[str] | None
_GRANTS = (PublicEventType.ROLE_GRANTED, PublicEventType.ROLE_REVOKED)


def affected_by(events: Sequence[PublicEvent]) -> Affected:
    """Return whose role bindings of the database may be others after ``events``.

    They are granted by a namespace to another one, or (role mappings version 1) to its own holders; a namespace that is
    deleted grants nothing any more.
    """
    found: set[str] = set()
    for event in events:
        if event.type == PublicEventType.NAMESPACE_DELETED:
            return None
        if event.type == PublicEventType.NAMESPACE_CHANGED:
            found.add(event.namespace)
        if event.type in _GRANTS:
            other = event.data.get("other_namespace")
            if other is None:
                return None
            found.add(other)
    return frozenset(found)
