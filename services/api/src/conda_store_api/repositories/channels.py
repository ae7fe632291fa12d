"""Channels as users see them."""

from collections.abc import Sequence

from sqlalchemy import func, select

from conda_store_shared.db.models import CondaChannel
from conda_store_shared.db.reading import Reader, Row
from conda_store_shared.web.pagination import Page

_COUNT = select(func.count()).select_from(CondaChannel)


async def list_channels(reader: Reader, page: Page) -> tuple[Sequence[Row], int]:
    """Return one page of channels (id, name, last_update), and how many there are."""
    query = select(CondaChannel.id, CondaChannel.name, CondaChannel.last_update)
    column = CondaChannel.name if page.sort_by else CondaChannel.id
    ordered = query.order_by(column.desc() if page.descending else column.asc())
    rows = await reader.rows(ordered.limit(page.size).offset(page.offset))
    return rows, await reader.value(_COUNT)
