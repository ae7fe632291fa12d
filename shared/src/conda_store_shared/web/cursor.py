"""Pages that begin where the last one ended: ``limit``, ``order``, ``sort_by``, ``cursor`` (contract §1.3.2)."""

import base64
import binascii
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from starlette.requests import Request

from conda_store_shared.errors import InvalidInput
from conda_store_shared.web.answers import JsonResponse
from conda_store_shared.web.parsing import parse_query

_LARGEST = 2**31 - 1
_Value = Annotated[str, StringConstraints(pattern=r"^[^\x00]*$")]


class CursorQuery(BaseModel):
    """The paging part of a query, as it is sent; ``sort_by`` is repeated, or one value joined by commas."""

    limit: Annotated[int | None, Field(ge=1, le=_LARGEST)] = None
    order: Literal["asc", "desc"] = "asc"
    sort_by: list[str] = []
    cursor: str | None = None


class Cursor(BaseModel):
    """The last row of a page; without an id the end, after which everything begins again."""

    model_config = ConfigDict(strict=True, frozen=True)

    last_id: Annotated[int | None, Field(ge=-_LARGEST, le=_LARGEST)] = 0
    last_value: dict[str, _Value] | None = {}

    def encode(self) -> str:
        """The cursor as clients send it back."""
        return base64.b64encode(self.model_dump_json().encode()).decode()

    @classmethod
    def decode(cls, text: str) -> "Cursor":
        """Read what a client sent; raises InvalidInput."""
        try:
            # A plus sign that was not escaped in the address has become a space.
            return cls.model_validate_json(base64.b64decode(text.replace(" ", "+"), validate=True))
        except (binascii.Error, ValidationError, ValueError) as error:
            raise InvalidInput("the cursor is none; send one as it was answered, or none for the first page") from error


@dataclass(frozen=True, slots=True, kw_only=True)
class CursorPage:
    """``limit`` rows sorted by ``sort_by``, then by id, that come after a row with the values ``after``, id last."""

    limit: int
    descending: bool = False
    sort_by: tuple[str, ...] = ()
    after: tuple[Any, ...] | None = None

    def cursor_of(self, row_id: int, values: Mapping[str, str]) -> Cursor:
        """Cursor of the last row of this page; ``values`` are those of all sortable columns."""
        return Cursor(last_id=row_id, last_value={key: values[key] for key in self.sort_by})


def parse_cursor_page(request: Request, maximum: int, sortable: Collection[str]) -> CursorPage:
    """Return the page a request asks for; ``limit`` is at most ``maximum``.

    Raises Unprocessable, and InvalidInput for a cursor that is none and for keys that are not ``sortable``.
    """
    query = parse_query(request, CursorQuery)
    keys = query.sort_by[0].split(",") if len(query.sort_by) == 1 else query.sort_by
    if unknown := [key for key in keys if key not in sortable]:
        raise InvalidInput(f"Cannot sort results by {unknown}. Valid sort_by values are {list(sortable)}")
    sort_by = tuple(dict.fromkeys(keys))
    return CursorPage(
        limit=min(query.limit or maximum, maximum),
        descending=query.order == "desc",
        sort_by=sort_by,
        after=_after(Cursor.decode(query.cursor), sort_by) if query.cursor else None,
    )


def _after(cursor: Cursor, sort_by: Sequence[str]) -> tuple[Any, ...] | None:
    values = cursor.last_value or {}
    if cursor.last_id is None and not values:
        return None
    missing = [key for key in sort_by if key not in values]
    if missing or cursor.last_id is None:
        raise InvalidInput(f"the cursor does not go with sort_by={list(sort_by)}; send the same as for the first page")
    return (*(values[key] for key in sort_by), cursor.last_id)


def cursor_envelope(data: Sequence[Any], cursor: Cursor | None, count: int) -> JsonResponse:
    """One page of a list; ``count`` is the number of rows on all pages, no ``cursor`` the end."""
    told = cursor or Cursor(last_id=None, last_value=None)
    return JsonResponse({"data": data, "status": "ok", "message": None, "cursor": told.encode(), "count": count})
