"""Events as they happen: server-sent events, of everything one may read or of one build."""

from typing import Annotated

from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import Response

from conda_store_api.repositories.events import EventFilter
from conda_store_api.routes.context import api_of
from conda_store_api.use_cases.follow_events.stream import EventSource, Followed, has_ended
from conda_store_shared.domain.permission import Permission
from conda_store_shared.domain.public_event import PublicEventType
from conda_store_shared.errors import InvalidInput
from conda_store_shared.web.access import Filtered
from conda_store_shared.web.authentication import principal_of
from conda_store_shared.web.build_access import OnBuild, build_place
from conda_store_shared.web.operation import Content, operation
from conda_store_shared.web.parsing import parse_query
from conda_store_shared.web.server_sent_events import (
    MEDIA_TYPE,
    EventStream,
    ServerSentEvent,
    last_event_id,
    no_more_events,
)

_LARGEST_EVENT = 2**63 - 1
_Cursor = Annotated[int | None, Field(ge=0, le=_LARGEST_EVENT)]
_STREAM = Content(
    told="Server-sent events: each has the id and the type of an event, and the event as CloudEvents in JSON. "
    "`reset` names an address to read when the log no longer has what came after the cursor; `unauthorized` is the "
    "end, when the token no longer counts or the build may no longer be read.",
    media_type=MEDIA_TYPE,
    model=ServerSentEvent,
)
_ERRORS = {400: "Last-Event-ID is no id of an event."}


class StreamQuery(BaseModel):
    """Which events: of one or more types, of a place, by somebody.

    ``cursor`` is the id of the last event that is known already, 0 to begin with the oldest there is; without one the
    stream begins now.  The header Last-Event-ID, which browsers send when they connect again, goes before it.
    """

    type: list[PublicEventType] = Field(default=[])
    namespace: str | None = None
    environment: str | None = None
    actor: str | None = None
    cursor: _Cursor = None

    def to_filter(self) -> EventFilter:
        """The filters as the repository takes them."""
        return EventFilter(
            types=tuple(dict.fromkeys(self.type)),
            namespace=self.namespace,
            environment=self.environment,
            actor=self.actor,
        )


class BuildStreamQuery(BaseModel):
    """Where to go on: after the event with the id ``cursor``, at the beginning of the build without one.

    The header Last-Event-ID, which browsers send when they connect again, goes before it.
    """

    cursor: _Cursor = None


@operation("Follow events", Filtered(), _STREAM, query=StreamQuery, errors=_ERRORS)
async def follow_events(request: Request) -> Response:
    """Send what happens where the caller may read, as it happens."""
    query, feed = parse_query(request, StreamQuery), api_of(request).feed
    position = _position(request, query.cursor)
    known = position if position is not None else await feed.newest()
    followed = Followed(filters=query.to_filter(), position=known, now=position is None)
    return EventStream(EventSource(feed, await principal_of(request), followed))


@operation(
    "Follow one build",
    OnBuild(Permission.ENVIRONMENT_READ),
    _STREAM,
    Content(status=204, told="There are no more events, and there will be none: no need to connect again."),
    query=BuildStreamQuery,
    errors={**_ERRORS, 404: "There is no such build."},
)
async def follow_build(request: Request) -> Response:
    """Send what happened to a build and what happens to it, until nothing more will."""
    place, position = build_place(request), _position(request, parse_query(request, BuildStreamQuery).cursor)
    followed = Followed(filters=EventFilter(build_id=place.build_id), position=position or 0, build=place)
    feed, principal = api_of(request).feed, await principal_of(request)
    if position and await has_ended(feed.database, principal, followed):
        return no_more_events()
    return EventStream(EventSource(feed, principal, followed))


def _position(request: Request, cursor: int | None) -> int | None:
    """Where a reader wants to go on; raises InvalidInput for a header that is no id of an event."""
    sent = last_event_id(request)
    if sent is None:
        return cursor
    if not (sent.isascii() and sent.isdecimal() and len(sent) < 20 and int(sent) <= _LARGEST_EVENT):
        told = sent[:100].encode("ascii", "backslashreplace").decode()
        raise InvalidInput(f"Last-Event-ID {told!r} is no id of an event; send the last one you were sent, or none")
    return int(sent)
