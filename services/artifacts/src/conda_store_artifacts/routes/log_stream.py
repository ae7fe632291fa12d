"""The log of a build as server-sent events."""

from pydantic_core import to_json
from starlette.requests import Request
from starlette.responses import Response

from conda_store_artifacts.domain.followed_log import LogEnd, LogText
from conda_store_artifacts.domain.log_position import LogPosition
from conda_store_artifacts.use_cases.follow_log import FollowTools, LogFollower, News, has_ended
from conda_store_shared.domain.permission import Permission
from conda_store_shared.errors import NotAuthorized
from conda_store_shared.web.authentication import Authenticator, authorize
from conda_store_shared.web.build_access import build_place
from conda_store_shared.web.routing import resource
from conda_store_shared.web.server_sent_events import EventStream, frame, last_event_id, no_more_events


async def answer_log_stream(request: Request, position: str | None) -> Response:
    """Send the log after a position, which is what a reader has seen who connects again, as it is written.

    A reader who connects again after the end is told so.  Raises InvalidInput.
    """
    seen = last_event_id(request)
    begin = LogPosition.parse(seen or position or "0")
    if seen is not None and await _has_ended(request, begin):
        return no_more_events()
    return EventStream(LogSource(_follower(request, begin)))


class LogSource:
    """The frames of a log that is followed."""

    def __init__(self, follower: LogFollower) -> None:
        self._follower = follower
        self._is_refused = False

    async def take(self, seconds: float) -> bytes | None:
        """Return the frames that follow; the last tells why it is."""
        if self._is_refused:
            return None
        try:
            news = await self._follower.take(seconds)
        except NotAuthorized as error:
            self._is_refused = True
            return frame(to_json({"message": error.message}), event="unauthorized")
        return None if news is None else b"".join(map(_frame, news))

    def close(self) -> None:
        """Nobody reads any more."""
        self._follower.close()


def _follower(request: Request, begin: LogPosition) -> LogFollower:
    return LogFollower(
        build_place(request).build_id,
        begin,
        tools=resource(request, FollowTools),
        require_right=lambda: _require_right(request),
    )


async def _has_ended(request: Request, position: LogPosition) -> bool:
    async with resource(request, FollowTools).database.session() as session:
        return await has_ended(session, build_place(request).build_id, position)


async def _require_right(request: Request) -> None:
    """Raise NotAuthorized unless whoever sent the request may still read the build."""
    # Asked anew: tokens expire and are revoked, roles come and go.
    principal = await resource(request, Authenticator).identify(request)
    place = build_place(request)
    authorize(principal, (Permission.ENVIRONMENT_READ,), place.namespace, place.environment)


def _frame(news: News) -> bytes:
    if isinstance(news, LogText):
        told = {"stage": news.stage, "attempt": news.attempt, "text": news.text}
        return frame(to_json(told), event_id=str(news.position), event="log")
    if isinstance(news, LogEnd):
        told = {"reason": news.reason, "status": news.status}
        return frame(to_json(told), event_id=str(news.position), event="end")
    return frame(to_json({"stage": news.stage, "attempt": news.attempt, "state": news.state}), event="stage")
