"""Pages of a list: ``page`` and ``size``, ``order`` and ``sort_by``."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, Field
from starlette.requests import Request

from conda_store_shared.web.answers import JsonResponse
from conda_store_shared.web.parsing import parse_query

# Beyond this a page cannot have rows, and its offset would not fit the database's integers.
_MAXIMUM = 2**31 - 1


class PageQuery(BaseModel):
    """The paging part of a query, as it is sent."""

    page: Annotated[int, Field(ge=1, le=_MAXIMUM)] = 1
    size: Annotated[int | None, Field(ge=1, le=_MAXIMUM)] = None
    order: str = "asc"
    sort_by: list[str] = []


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A page asked for: rows ``offset`` to ``offset + size``, sorted by ``sort_by`` (may be empty), then by id."""

    number: int
    size: int
    descending: bool = False
    sort_by: tuple[str, ...] = ()

    @property
    def offset(self) -> int:
        """Rows before this page."""
        return (self.number - 1) * self.size


def parse_page(
    request: Request, maximum_size: int, *, sortable: Collection[str], default: tuple[str, ...] = ()
) -> Page:
    """Return the page a request asks for.

    ``size`` is capped to ``maximum_size``; keys that are not ``sortable`` are dropped; without any key the
    ``default`` ones sort.  Raises Unprocessable when a number is none, or below one.
    """
    query = parse_query(request, PageQuery)
    keys = tuple(dict.fromkeys(key for key in query.sort_by if key in sortable))
    return Page(
        number=query.page,
        size=min(query.size or maximum_size, maximum_size),
        descending=query.order == "desc",
        sort_by=keys if query.sort_by else default,
    )


def page_envelope(data: Sequence[Any], page: Page, count: int) -> JsonResponse:
    """One page of a list; ``count`` is the number of rows on all pages."""
    return JsonResponse(
        {"status": "ok", "data": data, "message": None, "page": page.number, "size": page.size, "count": count}
    )
