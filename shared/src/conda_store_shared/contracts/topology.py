"""Who publishes what, who consumes it, and the queues in between (style guide §5).

One durable queue per (service, message), named ``<service>.<routing key>``; what cannot be handled ends in
``<queue>.dead``.
Broadcasts (``build.canceled``, ``token.revoked``) go to every *instance* of a consumer, so they have no durable queue.
"""

from dataclasses import dataclass

from conda_store_shared.contracts import events
from conda_store_shared.contracts.events import Event

EXCHANGE = "conda-store"
DEAD_LETTER_EXCHANGE = "conda-store.dead"
# Of public events, for consumers that are no part of the suite.
EVENTS_EXCHANGE = "conda-store.events"
DELIVERY_LIMIT = 10

API, AUTH, SOLVER, BUILDER, ARTIFACTS = "api", "auth", "solver", "builder", "artifacts"
WORKERS = (SOLVER, BUILDER, ARTIFACTS)
# Those that people send requests to, and that therefore verify tokens.
SERVERS = (API, AUTH, ARTIFACTS)
SERVICES = (API, AUTH, *WORKERS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One row of the table; ``broadcast`` reaches every instance of a consumer, for as long as it lives."""

    event: type[Event]
    publishers: tuple[str, ...]
    consumers: tuple[str, ...]
    broadcast: bool = False


ROUTES: tuple[Route, ...] = (
    Route(event=events.SolveRequested, publishers=(API,), consumers=(SOLVER,)),
    Route(event=events.SolveAnswered, publishers=(SOLVER,), consumers=(API,)),
    Route(event=events.SolveCanceled, publishers=(API,), consumers=(SOLVER,), broadcast=True),
    Route(event=events.LockfileSolved, publishers=(SOLVER,), consumers=(API,)),
    Route(event=events.PrefixRequested, publishers=(API,), consumers=(BUILDER,)),
    Route(event=events.PrefixBuilt, publishers=(BUILDER,), consumers=(API,)),
    Route(event=events.ArtifactRequested, publishers=(API,), consumers=(ARTIFACTS,)),
    Route(event=events.ArtifactStored, publishers=(ARTIFACTS,), consumers=(API,)),
    Route(event=events.ImageRequested, publishers=(ARTIFACTS,), consumers=(API,)),
    Route(event=events.StageStarted, publishers=WORKERS, consumers=(API,)),
    Route(event=events.StageProgress, publishers=WORKERS, consumers=(API,)),
    Route(event=events.StageInterrupted, publishers=WORKERS, consumers=(API,)),
    Route(event=events.StageFailed, publishers=WORKERS, consumers=(API,)),
    Route(event=events.LogWritten, publishers=WORKERS, consumers=(API,)),
    Route(event=events.BuildCanceled, publishers=(API,), consumers=WORKERS, broadcast=True),
    Route(event=events.LinkRequested, publishers=(API,), consumers=(BUILDER,)),
    Route(event=events.EnvironmentLinked, publishers=(BUILDER,), consumers=(API,)),
    Route(event=events.EnvironmentUpdated, publishers=(API,), consumers=(API,)),
    Route(event=events.LinkDiscardRequested, publishers=(API,), consumers=(BUILDER,)),
    Route(event=events.LinkDiscarded, publishers=(BUILDER,), consumers=(API,)),
    Route(event=events.PrefixDiscardRequested, publishers=(API,), consumers=(BUILDER,)),
    Route(event=events.PrefixDiscarded, publishers=(BUILDER,), consumers=(API,)),
    Route(event=events.ArtifactDiscardRequested, publishers=(API,), consumers=(ARTIFACTS,)),
    Route(event=events.ArtifactDiscarded, publishers=(ARTIFACTS,), consumers=(API,)),
    Route(event=events.StorageMeasured, publishers=(BUILDER,), consumers=(API,)),
    Route(event=events.TokenRevoked, publishers=(AUTH,), consumers=SERVERS, broadcast=True),
    Route(event=events.TokenUsed, publishers=SERVERS, consumers=(AUTH,)),
    Route(event=events.IndexRequested, publishers=(API,), consumers=(SOLVER,)),
    Route(event=events.ChannelIndexed, publishers=(SOLVER,), consumers=(API,)),
    Route(event=events.SpecificationFound, publishers=(BUILDER,), consumers=(API,)),
)

EVENT_OF_ROUTING_KEY: dict[str, type[Event]] = {route.event.routing_key: route.event for route in ROUTES}


def queue_name(service: str, event: type[Event]) -> str:
    """Name of the durable queue on which ``service`` takes ``event``."""
    return f"{service}.{event.routing_key}"


def dead_queue_name(queue: str) -> str:
    """Name of the queue that keeps what ``queue`` could not deliver."""
    return f"{queue}.dead"


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """A durable queue and the routing key bound to it."""

    name: str
    routing_key: str


def durable_queues() -> tuple[Queue, ...]:
    """Every durable queue of the suite, dead-letter queues left out."""
    return tuple(
        Queue(name=queue_name(service, route.event), routing_key=route.event.routing_key)
        for route in ROUTES
        if not route.broadcast
        for service in route.consumers
    )
