"""One page of a list, and how many rows there are on all pages: one statement, unless the list is long."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import CTE, ColumnElement, Select, case, func, select, true, tuple_
from sqlalchemy.orm import InstrumentedAttribute
from sqlalchemy.sql.elements import SQLCoreOperations

from conda_store_api.repositories.counts import CHEAP, Counts
from conda_store_shared.db.models import Model
from conda_store_shared.db.reading import AnySelect, Reader, Row
from conda_store_shared.web.cursor import CursorPage
from conda_store_shared.web.pagination import Page

Columns = Mapping[str, InstrumentedAttribute[Any]]
AnyPage = Page | CursorPage


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Nested:
    """A list in groups: ``ids`` selects those of the group at hand, among ``groups`` of the first key of ``sort_by``.

    A page needs no more rows of any group than it shows: the first of its group in the order of the second key.
    """

    groups: type[Model]
    ids: Select[int]
    sort_by: tuple[str, str]


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Listing:
    """A list before it is cut into pages.

    ``ids`` selects the ``identity`` of all that is in it, from tables that have what it is ``sortable`` by; ``columns``
    are those of a row, in its order.  ``counted`` selects the same ids from as few tables as possible.  Where ``few``
    rows are expected, all are found and then sorted, rather than looked for among all others in their order.
    ``nested`` rows can be read group by group when the pages are sorted so.
    """

    ids: Select[int]
    identity: InstrumentedAttribute[int]
    columns: tuple[InstrumentedAttribute[Any], ...]
    sortable: Columns
    counted: Select[int]
    few: bool = False
    nested: Nested | None = None


async def read_page(reader: Reader, listing: Listing, page: AnyPage, counts: Counts) -> tuple[Sequence[Row], int]:
    """Return the rows of a page, which may have more columns than asked for, and how many there are on all pages."""
    known = counts.known(listing.counted)
    rows = await reader.rows(_statement(listing, page, counting=known is None, lateral=reader.has_lateral))
    count = _count_by_the_end(page, len(rows))
    if count is None and known is None and rows and rows[0][-1] <= CHEAP:
        count = rows[0][-1]
    if count is None:
        count = await counts.count(reader, listing.counted) if known is None else known
    return rows, count


def _count_by_the_end(page: AnyPage, length: int) -> int | None:
    """The count that the last page tells, which is not full."""
    if isinstance(page, CursorPage):
        return length if page.after is None and length < page.limit else None
    is_last = length < page.size and (length or page.number == 1)
    return page.offset + length if is_last else None


# Equal pages of equal lists are one statement: to put it together takes longer than to run it.
@lru_cache(maxsize=256)
def _statement(listing: Listing, page: AnyPage, *, counting: bool, lateral: bool) -> AnySelect:
    # The ids of the page are found in an index; only its own rows are read.
    nested = listing.nested
    if lateral and nested and isinstance(page, Page) and page.sort_by == nested.sort_by:
        on_page = _ids_in_groups(listing, nested, page).cte("on_page")
    else:
        on_page = _ids_on(listing, page).cte("on_page")
    query = select(*listing.columns).join(on_page, on_page.c.id == listing.identity)
    if counting:
        query = query.add_columns(_bounded_count(listing, page, on_page).label("counted"))
    keys = [*(on_page.c[f"key_{number}"] for number in range(len(page.sort_by))), on_page.c.id]
    return query.order_by(*_directed(keys, page))


def _bounded_count(listing: Listing, page: AnyPage, on_page: CTE) -> ColumnElement[int | None]:
    rows = select(func.count()).select_from(listing.counted.limit(CHEAP + 1).subquery()).scalar_subquery()
    if isinstance(page, CursorPage):
        return rows
    # A page that is not full tells by itself how many there are.
    return case((select(func.count()).select_from(on_page).scalar_subquery() == page.size, rows))


def _ids_on(listing: Listing, page: AnyPage) -> AnySelect:
    # The id makes the order total, so that no row is on two pages.
    named = [listing.sortable[key].label(f"key_{number}") for number, key in enumerate(page.sort_by)]
    keys: list[SQLCoreOperations[Any]] = [*(listing.sortable[key] for key in page.sort_by), listing.identity]
    query = listing.ids.add_columns(*named)
    if listing.few:
        found = query.cte("found").prefix_with("MATERIALIZED")
        keys = [*(found.c[f"key_{number}"] for number in range(len(page.sort_by))), found.c.id]
        query = select(*found.c)
    query = query.order_by(*_directed(keys, page))
    if isinstance(page, Page):
        return query.limit(page.size).offset(page.offset)
    if page.after is not None:
        place, after = tuple_(*keys), tuple_(*page.after)
        query = query.where(place < after if page.descending else place > after)
        # Follows from that; but only this tells where in an index to begin.
        query = query.where(keys[0] <= page.after[0] if page.descending else keys[0] >= page.after[0])
    return query.limit(page.limit)


def _ids_in_groups(listing: Listing, nested: Nested, page: Page) -> AnySelect:
    group_key, key = (listing.sortable[name] for name in nested.sort_by)
    group = nested.ids.add_columns(key.label("key_1")).order_by(*_directed([key, listing.identity], page))
    rows = group.limit(page.offset + page.size).lateral("in_group")
    keys = [group_key, rows.c.key_1, rows.c.id]
    query = select(rows.c.id, group_key.label("key_0"), rows.c.key_1).select_from(nested.groups).join(rows, true())
    return query.order_by(*_directed(keys, page)).limit(page.size).offset(page.offset)


def _directed(keys: Iterable[SQLCoreOperations[Any]], page: AnyPage) -> list[SQLCoreOperations[Any]]:
    return [key.desc() if page.descending else key.asc() for key in keys]
