"""A service's web application: its route table inside the middleware every service has."""

from collections.abc import Sequence
from dataclasses import dataclass

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import BaseRoute

from conda_store_shared.web.errors import AnswerErrors, Translate, answer_http_exception
from conda_store_shared.web.middleware import BodyLimit, Deadline, Observe, RequestContext, SecurityHeaders
from conda_store_shared.web.open_streams import DEFAULT_LIMIT, OpenStreams


@dataclass(frozen=True, slots=True, kw_only=True)
class WebOptions:
    """``deadline`` in seconds until an answer begins, ``body_limit`` in bytes; no other origin is let in by default.

    At most ``streams`` are read at once.
    """

    deadline: float = 10.0
    body_limit: int = 4 * 1024 * 1024
    streams: int = DEFAULT_LIMIT
    cors_origins: tuple[str, ...] = ()
    cors_origin_regex: str | None = None


_DEFAULTS = WebOptions()


def create_application(
    routes: Sequence[BaseRoute],
    options: WebOptions = _DEFAULTS,
    *,
    translate: Sequence[Translate] = (),
    observe: Observe | None = None,
) -> Starlette:
    """Return the application.

    ``translate`` turns a library's errors into errors of the tree (``web.unstorable.unstorable_value`` where there is a
    database); ``observe`` counts requests (``web.metrics.RequestMetrics``).
    """
    middleware = [Middleware(RequestContext, observe), *_cors(options), Middleware(SecurityHeaders)]
    middleware += [
        Middleware(AnswerErrors, translate),
        Middleware(Deadline, options.deadline),
        Middleware(BodyLimit, options.body_limit),
    ]
    application = Starlette(
        routes=routes, middleware=middleware, exception_handlers={HTTPException: answer_http_exception}
    )
    # Both spellings of a path are routes, so nobody has to be sent to the other one.
    application.router.redirect_slashes = False
    application.state.open_streams = OpenStreams(options.streams)
    return application


def _cors(options: WebOptions) -> list[Middleware]:
    if not (options.cors_origins or options.cors_origin_regex):
        return []
    return [
        Middleware(
            CORSMiddleware,
            allow_origins=options.cors_origins,
            allow_origin_regex=options.cors_origin_regex,
            allow_credentials=True,
            allow_methods=["*"],
            allow_headers=["*"],
        )
    ]
