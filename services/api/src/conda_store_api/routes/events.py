"""The log of public events: what happened, where, and who did it."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import Response

from conda_store_api.domain.cloud_event import cloud_event
from conda_store_api.repositories.events import EventFilter, EventPage, list_visible_events
from conda_store_api.routes.context import api_of
from conda_store_api.routes.event_shapes import EventModel
from conda_store_api.use_cases.event_readers import event_reader
from conda_store_shared.domain.build import LARGEST_ID
from conda_store_shared.domain.public_event import PublicEventType
from conda_store_shared.web.access import Filtered
from conda_store_shared.web.answers import JsonResponse
from conda_store_shared.web.authentication import principal_of
from conda_store_shared.web.operation import operation
from conda_store_shared.web.parsing import parse_query

_LARGEST_EVENT = 2**63 - 1


class EventQuery(BaseModel):
    """Which events: of one or more types, of a place, of a build, of somebody.

    The newest come first, or with ``order=asc`` the oldest; ``cursor`` is where the last page ended, or the id of an
    event.
    """

    type: list[PublicEventType] = Field(default=[])
    namespace: str | None = None
    environment: str | None = None
    build_id: Annotated[int | None, Field(ge=0, le=LARGEST_ID)] = None
    actor: str | None = None
    order: Literal["asc", "desc"] = "desc"
    limit: Annotated[int | None, Field(ge=1, le=LARGEST_ID)] = None
    cursor: Annotated[int | None, Field(ge=0, le=_LARGEST_EVENT)] = None

    def to_filter(self) -> EventFilter:
        """The filters as the repository takes them."""
        return EventFilter(
            types=tuple(dict.fromkeys(self.type)),
            namespace=self.namespace,
            environment=self.environment,
            build_id=self.build_id,
            actor=self.actor,
        )

    def to_page(self, maximum: int) -> EventPage:
        """The page as the repository takes it."""
        limit = min(self.limit or maximum, maximum)
        return EventPage(limit=limit, descending=self.order == "desc", after=self.cursor)


class EventPageModel(BaseModel):
    """One page of events; ``cursor`` leads to the next one, and is null on the last."""

    status: Literal["ok"]
    data: list[EventModel]
    message: str | None = None
    cursor: str | None


@operation("List events", Filtered(), EventPageModel, query=EventQuery)
async def list_events(request: Request) -> Response:
    """List what happened where the caller may read, as CloudEvents."""
    query, reader = parse_query(request, EventQuery), event_reader(await principal_of(request))
    page = query.to_page(api_of(request).max_page_size)
    async with api_of(request).transactions.database.session() as session:
        events = await list_visible_events(session, reader, query.to_filter(), page)
    shapes = [cloud_event(event, api_of(request).url_prefix) for event in events]
    return _page_answer(shapes, page.limit)


def _page_answer(shapes: list[dict[str, Any]], limit: int) -> Response:
    cursor = shapes[-1]["id"] if len(shapes) == limit else None
    return JsonResponse({"status": "ok", "data": shapes, "message": None, "cursor": cursor})
