"""Who publishes what and who takes it: no message without both, no queue without a name of its own."""

import re

import pytest

from conda_store_shared.contracts.events import ALL_EVENTS, BuildCanceled, Event, TokenRevoked
from conda_store_shared.contracts.topology import (
    ROUTES,
    SERVERS,
    SERVICES,
    WORKERS,
    Route,
    dead_queue_name,
    durable_queues,
    queue_name,
)

# Public event names live on another exchange.
ROUTING_KEY = re.compile(r"[a-z]+\.[a-z_]+")


def test_every_event_has_one_route() -> None:
    assert sorted(route.event.__name__ for route in ROUTES) == sorted(event.__name__ for event in ALL_EVENTS)


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.event.__name__)
def test_every_event_has_publisher_and_consumer(route: Route) -> None:
    assert route.publishers
    assert route.consumers
    assert {*route.publishers, *route.consumers} <= set(SERVICES)


@pytest.mark.parametrize("event", ALL_EVENTS, ids=lambda event: event.__name__)
def test_every_event_says_what_it_means_and_has_a_routing_key_of_its_own(event: type[Event]) -> None:
    assert event.__doc__
    assert ROUTING_KEY.fullmatch(event.routing_key)
    assert [other for other in ALL_EVENTS if other.routing_key == event.routing_key] == [event]


def test_every_consumer_of_an_event_that_is_no_broadcast_has_a_durable_queue() -> None:
    wanted = {
        queue_name(service, route.event) for route in ROUTES if not route.broadcast for service in route.consumers
    }
    names = [queue.name for queue in durable_queues()]
    assert sorted(names) == sorted(wanted)
    assert not {dead_queue_name(name) for name in names} & set(names)


@pytest.mark.parametrize(("event", "consumers"), [(BuildCanceled, WORKERS), (TokenRevoked, SERVERS)])
def test_broadcast_reaches_every_instance_of_its_consumers(event: type[Event], consumers: tuple[str, ...]) -> None:
    (route,) = (route for route in ROUTES if route.event is event)
    assert route.broadcast
    assert set(route.consumers) == set(consumers)
