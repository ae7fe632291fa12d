"""Search among the packages of all channels: which versions, how many, in which order (contract §1.5).

What is asked of names alone is answered from the table of names, which is a tenth of that of versions; the rows of one
page are then found by index.  Everything is ordered by code point.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, and_, exists, false, func, or_, select, union_all
from sqlalchemy.orm import InstrumentedAttribute

from conda_store_api.repositories.listings import contains
from conda_store_shared.db.models import CondaChannel, CondaPackage, CondaPackageBuild, CondaPackageName
from conda_store_shared.db.reading import AnySelect, Reader
from conda_store_shared.web.pagination import Page

Order = tuple[str, ...]

CHANNEL, NAME, VERSION = KEYS = ("channel", "name", "version")
_COLUMNS: dict[str, InstrumentedAttribute[str]] = {
    CHANNEL: CondaChannel.name,
    NAME: CondaPackage.name,
    VERSION: CondaPackage.version,
}
# So many versions are sorted more quickly than all are walked through in order until a page is full.
FEW = 2000
# Questions whose statements are put together already, of each kind.
_KEPT = 128


class FoundPackage(NamedTuple):
    """A version of a package, with its channel."""

    id: int
    name: str
    version: str
    license: str | None
    summary: str | None
    channel_id: int
    channel: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageSearch:
    """``search`` in the name (the whole name when ``exact``), ``build`` in the build string of some file.

    Of the versions that agree in the columns ``distinct_on`` one is shown, the first in the order of the page.
    """

    search: str | None = None
    exact: bool = False
    build: str | None = None
    distinct_on: tuple[str, ...] = ()


async def search_packages(
    reader: Reader, search: PackageSearch, page: Page, few: int = FEW
) -> tuple[list[FoundPackage], int]:
    """Return one page of packages with their channels, and how many there are: in two queries.

    ``few`` decides how, not what.
    """
    if search.build or VERSION in search.distinct_on or search.distinct_on == (CHANNEL,):
        count, rows = _any_count(search), _any_page(search, page)
    elif search.distinct_on:
        count, rows = _name_count(search), _name_page(search, page)
    else:
        counts = [(row[0], row[1]) for row in await reader.rows(_counts_by_channel(search, page.descending))]
        number = sum(versions for _, versions in counts)
        if number > few and _order(search, page)[0] == CHANNEL:
            rows = _walked_page(search, page, tuple(_parts(counts, page)))
        else:
            rows = _sorted_page(search, page, few=number <= few)
        return [FoundPackage(*row) for row in await reader.rows(rows)], number
    return [FoundPackage(*row) for row in await reader.rows(rows)], await reader.value(count)


def _order(search: PackageSearch, page: Page) -> Order:
    """Every key once: those that rows differ in, those that are sorted by, and the rest so that the order is total."""
    return tuple(dict.fromkeys([*search.distinct_on, *page.sort_by, *KEYS]))


def _parts(counts: Sequence[tuple[int, int]], page: Page) -> Iterator[tuple[int, int, int]]:
    """Channel, offset and limit of each channel's part of a page."""
    begin = 0
    for channel_id, versions in counts:
        first, last = max(page.offset, begin), min(page.offset + page.size, begin + versions)
        if first < last:
            yield channel_id, first - begin, last - first
        begin += versions


# Equal questions are one statement: to put it together takes longer than to run it.


@lru_cache(maxsize=_KEPT)
def _counts_by_channel(search: PackageSearch, descending: bool) -> AnySelect:
    """Id of each channel that has something, in order, and how many versions."""
    counted = (
        select(CondaPackageName.channel_id, func.sum(CondaPackageName.versions).label("versions"))
        .where(*_matching(CondaPackageName.name, search))
        .group_by(CondaPackageName.channel_id)
        .subquery()
    )
    return (
        select(CondaChannel.id, counted.c.versions)
        .join(counted, counted.c.channel_id == CondaChannel.id)
        .where(counted.c.versions > 0)
        .order_by(CondaChannel.name.desc() if descending else CondaChannel.name.asc())
    )


@lru_cache(maxsize=_KEPT)
def _walked_page(search: PackageSearch, page: Page, parts: tuple[tuple[int, int, int], ...]) -> AnySelect:
    """A page when channels come first: walks those alone that it shows something of."""
    order = _order(search, page)
    walks = [
        select(CondaPackage.id)
        .where(CondaPackage.channel_id == channel_id, ~CondaPackage.vanished)
        .where(*_matching(CondaPackage.name, search))
        .order_by(*_sorted(order[1:], page))
        .limit(limit)
        .offset(offset)
        .subquery()
        for channel_id, offset, limit in parts
    ]
    # A page behind the last one has no parts.
    none = select(CondaPackage.id).where(false())
    ids = select(union_all(*(select(walk.c.id) for walk in walks)).subquery().c.id) if walks else none
    return _rows(ids, order, page)


@lru_cache(maxsize=_KEPT)
def _sorted_page(search: PackageSearch, page: Page, *, few: bool) -> AnySelect:
    """A page of all that match; a few are found by their names."""
    order = _order(search, page)
    query = _by_name(search) if few else _versions().where(*_matching(CondaPackage.name, search))
    return _rows(_cut(query.order_by(*_sorted(order, page)), page), order, page)


def _names(search: PackageSearch) -> AnySelect:
    """Each name once, or each name of each channel, in order."""
    columns = {CHANNEL: CondaChannel.name.label(CHANNEL), NAME: CondaPackageName.name.label(NAME)}
    groups = [columns[key] for key in search.distinct_on]
    query = select(*groups).select_from(CondaPackageName).where(CondaPackageName.versions > 0)
    if CHANNEL in search.distinct_on:
        query = query.join(CondaChannel, CondaChannel.id == CondaPackageName.channel_id)
    return query.where(*_matching(CondaPackageName.name, search)).group_by(*groups)


@lru_cache(maxsize=_KEPT)
def _name_count(search: PackageSearch) -> AnySelect:
    return select(func.count()).select_from(_names(search).subquery())


@lru_cache(maxsize=_KEPT)
def _name_page(search: PackageSearch, page: Page) -> AnySelect:
    """A page of one version of each name: the names tell which."""
    order, names = _order(search, page), _names(search)
    on_page = _cut(names.order_by(*_directed(names.selected_columns, page)), page).cte("on_page")
    same = [on_page.c[key] == _COLUMNS[key] for key in search.distinct_on]
    return _rows(_firsts(_versions().join(on_page, and_(*same)), search, order, page), order, page)


def _any(search: PackageSearch) -> Select[int]:
    """Whatever else can be asked: the versions themselves are looked through."""
    query = _by_name(search) if search.search else _versions()
    if search.build:
        file = exists().where(CondaPackageBuild.package_id == CondaPackage.id, ~CondaPackageBuild.vanished)
        query = query.where(file.where(contains(CondaPackageBuild.build, search.build)))
    return query


@lru_cache(maxsize=_KEPT)
def _any_count(search: PackageSearch) -> AnySelect:
    query, groups = _any(search), [_COLUMNS[key] for key in search.distinct_on]
    counted = query.with_only_columns(*groups).group_by(*groups) if groups else query
    return select(func.count()).select_from(counted.subquery())


@lru_cache(maxsize=_KEPT)
def _any_page(search: PackageSearch, page: Page) -> AnySelect:
    order, query = _order(search, page), _any(search)
    ids = _firsts(query, search, order, page) if search.distinct_on else query.order_by(*_sorted(order, page))
    return _rows(_cut(ids, page), order, page)


def _versions() -> Select[int]:
    return (
        select(CondaPackage.id)
        .join(CondaChannel, CondaChannel.id == CondaPackage.channel_id)
        .where(~CondaPackage.vanished)
    )


def _by_name(search: PackageSearch) -> Select[int]:
    """The versions of those names that match: the names first, whatever a database makes of the numbers of rows."""
    matching = select(CondaPackageName.channel_id, CondaPackageName.name)
    names = matching.where(*_matching(CondaPackageName.name, search)).cte("names").prefix_with("MATERIALIZED")
    same = and_(names.c.channel_id == CondaPackage.channel_id, names.c.name == CondaPackage.name)
    return _versions().join(names, same)


def _firsts(versions: Select[int], search: PackageSearch, order: Order, page: Page) -> Select[int]:
    """Ids of the first of those versions that agree where they have to differ, in order."""
    differing = [_COLUMNS[key] for key in search.distinct_on]
    place = func.row_number().over(partition_by=differing, order_by=_sorted(order, page))
    labelled = [_COLUMNS[key].label(key) for key in order]
    placed = versions.add_columns(place.label("place"), *labelled).subquery()
    # Without a way back to the tables, so that a page can be cut from the sorted versions as they come.
    ordered = _directed([placed.c[key] for key in order], page)
    return select(placed.c.id).where(placed.c.place == 1).order_by(*ordered)


def _rows(ids: AnySelect, order: Order, page: Page) -> AnySelect:
    chosen = ids.subquery()
    package = CondaPackage
    columns = (package.id, package.name, package.version, package.license, package.summary)
    return (
        select(*columns, CondaChannel.id, CondaChannel.name)
        .join(CondaChannel, CondaChannel.id == package.channel_id)
        .join(chosen, chosen.c.id == package.id)
        .order_by(*_sorted(order, page))
    )


def _cut(query: AnySelect, page: Page) -> AnySelect:
    return query.limit(page.size).offset(page.offset)


def _sorted(order: Order, page: Page) -> list[ColumnElement[Any]]:
    return _directed([_COLUMNS[key] for key in order], page)


def _directed(columns: Iterable[Any], page: Page) -> list[ColumnElement[Any]]:
    return [column.desc() if page.descending else column.asc() for column in columns]


def _matching(column: InstrumentedAttribute[str], search: PackageSearch) -> list[ColumnElement[bool]]:
    """Condition: the name is as asked for; names are in lower case, and people do not always type so."""
    if not search.search:
        return []
    if search.exact:
        return [column == search.search]
    return [or_(*(contains(column, text) for text in dict.fromkeys([search.search, search.search.lower()])))]
