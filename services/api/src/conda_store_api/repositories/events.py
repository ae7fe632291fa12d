"""The log of public events, as far as a caller may know of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, false, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from conda_store_shared.db.models import PublicEvent
from conda_store_shared.db.queries.visibility import visible_environments, visible_namespaces
from conda_store_shared.domain.permission import Permission, RoleBinding
from conda_store_shared.domain.public_event import NEEDED, PublicEventType

_KNOWN = frozenset(PublicEventType)


@dataclass(frozen=True, slots=True, kw_only=True)
class EventFilter:
    """Filters of events; those left out do not filter.

    ``through`` is the id of the last one there may be; times are from ``since`` until before ``until``.
    """

    types: tuple[PublicEventType, ...] = ()
    namespace: str | None = None
    environment: str | None = None
    build_id: int | None = None
    actor: str | None = None
    through: int | None = None
    since: datetime | None = None
    until: datetime | None = None

    def admits(self, event: PublicEvent) -> bool:
        """Whether an event is one of those."""
        return (
            (not self.types or event.type in self.types)
            and self.namespace in (None, event.namespace)
            and self.environment in (None, event.environment)
            and self.build_id in (None, event.build_id)
            and self.actor in (None, event.actor)
            and (self.through is None or event.id <= self.through)
            and (self.since is None or event.time >= self.since)
            and (self.until is None or event.time < self.until)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class EventPage:
    """At most ``limit`` events beyond the one with id ``after``: later ones, or earlier ones when ``descending``."""

    limit: int
    descending: bool = True
    after: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EventReader:
    """Whoever reads: the role bindings by which each permission is held, and whether they are logged in."""

    holding: Mapping[Permission, Sequence[RoleBinding]]
    authenticated: bool

    def may_know_of(self, event: PublicEvent) -> bool:
        """Whether an event is one of those ``list_visible_events`` would list; of a later release's types none is."""
        if event.type not in _KNOWN:
            return False
        permission = NEEDED[PublicEventType(event.type)]
        if permission is None:
            return self.authenticated and event.environment is None
        return any(binding.matches(event.namespace, event.environment) for binding in self.holding[permission])


async def list_visible_events(
    session: AsyncSession, reader: EventReader, filters: EventFilter, page: EventPage
) -> Sequence[PublicEvent]:
    """Return one page of the events that ``reader`` may know of."""
    order = PublicEvent.id.desc() if page.descending else PublicEvent.id
    statement = select(PublicEvent).where(_visible(reader, filters.types), *_conditions(filters)).order_by(order)
    if page.after is not None:
        statement = statement.where(
            PublicEvent.id < page.after if page.descending else PublicEvent.id > page.after,
        )
    rows = await session.scalars(statement.limit(page.limit))
    return rows.all()


def _conditions(filters: EventFilter) -> list[ColumnElement[bool]]:
    equal = {
        PublicEvent.namespace: filters.namespace,
        PublicEvent.environment: filters.environment,
        PublicEvent.build_id: filters.build_id,
        PublicEvent.actor: filters.actor,
    }
    conditions = [column == value for column, value in equal.items() if value is not None]
    if filters.through is not None:
        conditions.append(PublicEvent.id <= filters.through)
    if filters.since is not None:
        conditions.append(PublicEvent.time >= filters.since)
    if filters.until is not None:
        conditions.append(PublicEvent.time < filters.until)
    return conditions


def _visible(reader: EventReader, types: Sequence[PublicEventType]) -> ColumnElement[bool]:
    by_permission: dict[Permission | None, list[PublicEventType]] = {}
    for kind in types or PublicEventType:
        by_permission.setdefault(NEEDED[kind], []).append(kind)
    return or_(
        *(
            and_(PublicEvent.type.in_(kinds), _visible_places(reader, permission))
            for permission, kinds in by_permission.items()
            if permission is not None or reader.authenticated
        ),
        false(),
    )


def _visible_places(reader: EventReader, permission: Permission | None) -> ColumnElement[bool]:
    if permission is None:
        return PublicEvent.environment.is_(None)
    bindings = reader.holding[permission]
    whole = [binding for binding in bindings if not binding.name.strip("*")]
    return or_(
        and_(
            PublicEvent.environment.is_not(None),
            # A column that may be null elsewhere.
            visible_environments(bindings, PublicEvent.namespace, PublicEvent.environment),  # type: ignore[arg-type]
        ),
        and_(PublicEvent.environment.is_(None), visible_namespaces(whole, PublicEvent.namespace)),
    )
