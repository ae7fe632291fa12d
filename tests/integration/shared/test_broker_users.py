"""The users that are deployed, on a real broker: each does what its service must, and is refused everything else."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path

import aio_pika
import httpx
import pytest
from aio_pika.abc import AbstractChannel
from aio_pika.exceptions import AMQPError, ChannelPreconditionFailed, ProbableAuthenticationError

from conda_store_shared.bus.port import Subscription
from conda_store_shared.bus.rabbitmq import RabbitBus, RabbitOptions
from conda_store_shared.bus.replay import replay
from conda_store_shared.contracts.events import ArtifactRequested, PrefixRequested, SolveRequested
from conda_store_shared.contracts.topology import (
    API,
    DEAD_LETTER_EXCHANGE,
    EXCHANGE,
    ROUTES,
    SERVICES,
    SOLVER,
    dead_queue_name,
    durable_queues,
    queue_name,
)
from conda_store_shared.errors import QueueMissing
from conda_store_shared.testing.bus_messages import (
    DEAD_SOLVE_QUEUE,
    SOLVE_QUEUE,
    Recorder,
    a_solve_request,
    an_undecodable_message,
    depth_becomes,
    running,
)
from conda_store_shared.testing.servers import RabbitMQ, VirtualHosts, free_port
from conda_store_shared.testing.servers.rabbitmq import DEPLOYED, definitions_for, password_of
from conda_store_shared.testing.suites.bus_suite import for_ever
from tests.integration.shared.broker_user import Act, User, a_bus, on_queue, publishing

# A queue declared a moment before its broker ends may be lost (RabbitMQ 3.10).
SETTLED = 2.0
REQUESTS = (SolveRequested, PrefixRequested, ArtifactRequested)


@pytest.fixture
def urls(rabbitmq_server: VirtualHosts, amqp_url: str) -> Mapping[str, str]:
    """The address of each user."""
    return rabbitmq_server.narrow(amqp_url)


@pytest.fixture(scope="module")
def settled_urls(rabbitmq_server: VirtualHosts) -> Mapping[str, str]:
    """The address of each user, where all queues are: each made by the user whose it is."""
    urls = rabbitmq_server.narrow(rabbitmq_server.create_vhost())

    async def make_queues() -> None:
        async with running(*(a_bus(urls, service) for service in SERVICES)):
            pass

    asyncio.run(make_queues())
    return urls


@pytest.fixture(params=SERVICES)
def service(request: pytest.FixtureRequest) -> str:
    """Each service."""
    return str(request.param)


@pytest.fixture
async def user(settled_urls: Mapping[str, str], service: str) -> AsyncIterator[User]:
    """Each service, logged in."""
    async with await aio_pika.connect(settled_urls[service]) as connection:
        yield User(connection)


async def test_service_says_its_own_messages_and_no_others(user: User, service: str) -> None:
    said = {
        route.event.routing_key for route in ROUTES if await user.may(publishing(EXCHANGE, route.event.routing_key))
    }
    assert said == {route.event.routing_key for route in ROUTES if service in route.publishers}


async def test_service_does_nothing_to_the_queues_of_others(user: User, service: str) -> None:
    # One of each service: that the rights are the same for all their names is seen without a broker.
    queues = {queue.name.partition(".")[0]: queue.name for queue in reversed(durable_queues())}
    others = [name for other, name in queues.items() if other != service]
    done = {
        (verb, name)
        for queue in others
        for name in (queue, dead_queue_name(queue))
        for verb, act in on_queue(name).items()
        if await user.may(act)
    }
    # Dead requests are answered by the ledger.
    lost = {dead_queue_name(queue_name(route.consumers[0], route.event)) for route in ROUTES if route.event in REQUESTS}
    assert {name for _verb, name in done} <= (lost if service == API else set())
    assert "publish" not in {verb for verb, _name in done}


async def test_service_hears_nothing_that_is_not_for_it(user: User, service: str) -> None:
    name = f"{service}.ear"

    def hearing(routing_key: str) -> Act:
        async def bind(channel: AbstractChannel) -> None:
            queue = await channel.declare_queue(name, exclusive=True)
            await queue.bind(EXCHANGE, routing_key)

        return bind

    keys = [route.event.routing_key for route in ROUTES]
    heard = {key for key in (*keys, "#", "*.requested") if await user.may(hearing(key))}
    assert heard == {route.event.routing_key for route in ROUTES if service in route.consumers}


async def test_service_makes_and_removes_no_exchange(user: User) -> None:
    acts: Mapping[str, Act] = {
        "delete": lambda channel: channel.exchange_delete(EXCHANGE),
        "delete dead": lambda channel: channel.exchange_delete(DEAD_LETTER_EXCHANGE),
        "declare": lambda channel: channel.declare_exchange(EXCHANGE, aio_pika.ExchangeType.TOPIC, durable=True),
        "make": lambda channel: channel.declare_exchange("mine"),
        "foreign queue": lambda channel: channel.declare_queue("mine", exclusive=True),
        "amq.topic": publishing("amq.topic", "log.written"),
        "amq.fanout": publishing("amq.fanout", ""),
    }
    assert [name for name, act in acts.items() if await user.may(act)] == []


async def test_service_sees_no_other_virtual_host(settled_urls: Mapping[str, str], service: str) -> None:
    with pytest.raises(AMQPError, match=r"Connection\.Close"):
        await aio_pika.connect(settled_urls[service].rpartition("/")[0] + "/%2F")


async def test_message_that_came_before_its_consumer_is_taken_by_it_later(urls: Mapping[str, str]) -> None:
    api, solver, handled = a_bus(urls, API), RabbitBus(RabbitOptions(url=urls[SOLVER], service=SOLVER)), Recorder()
    solver.subscribe(Subscription(handler=handled, queue=SOLVE_QUEUE))
    async with running(api):
        with pytest.raises(QueueMissing):
            await api.publish(a_solve_request(1))
        async with running(solver):
            await api.publish(a_solve_request(1))
            await handled.wait_for(1)


async def test_dead_messages_are_taken_by_api_and_put_back_by_the_operator(urls: Mapping[str, str]) -> None:
    api, solver = a_bus(urls, API), RabbitBus(RabbitOptions(url=urls[SOLVER], service=SOLVER))
    solver.subscribe(Subscription(handler=for_ever, queue=SOLVE_QUEUE))
    async with running(api, solver):
        await api.publish(an_undecodable_message())
        await depth_becomes(api, DEAD_SOLVE_QUEUE, 1)
    assert await replay(RabbitOptions(url=urls["operator"], service="operator"), SOLVE_QUEUE) == 1


async def test_watcher_sees_how_long_queues_are_and_nothing_of_what_is_in_them(
    settled_urls: Mapping[str, str], rabbitmq_server: VirtualHosts
) -> None:
    vhost = settled_urls["watcher"].rpartition("/")[2]
    place = f"/api/queues/{vhost}/{SOLVE_QUEUE}"
    async with httpx.AsyncClient(
        base_url=rabbitmq_server.management_address, auth=("watcher", password_of("watcher")), timeout=20
    ) as client:
        seen = (await client.get(place)).json()
        taken = await client.post(
            f"{place}/get", json={"count": 1, "ackmode": "ack_requeue_false", "encoding": "auto"}
        )
        gone = await client.delete(place)
    assert (seen["name"], seen["type"]) == (SOLVE_QUEUE, "quorum")
    assert {taken.status_code, gone.status_code} <= {httpx.codes.BAD_REQUEST, httpx.codes.UNAUTHORIZED}
    async with await aio_pika.connect(settled_urls["watcher"]) as connection:
        user = User(connection)
        assert [verb for verb, act in on_queue(SOLVE_QUEUE).items() if await user.may(act)] == []


class DeployedRabbitMQ(RabbitMQ):
    """A broker with the files that are deployed, but for the ports, and for limits that depend on the machine."""

    def prepare(self) -> None:
        super().prepare()
        definitions = self.directory / "rabbitmq_definitions"
        if not definitions.exists():
            definitions.write_text(json.dumps(definitions_for("conda-store")))
        deployed = (DEPLOYED / "rabbitmq.conf").read_text()
        for old, new in (
            ("listeners.tcp.default = 5672", f"listeners.tcp.1 = 127.0.0.1:{self.port}"),
            ("management.tcp.port = 15672", f"management.tcp.port = {self.management_port}"),
            ("prometheus.tcp.port = 15692", f"prometheus.tcp.port = {free_port()}"),
            ("/run/secrets/rabbitmq_definitions", str(definitions)),
        ):
            assert old in deployed
            deployed = deployed.replace(old, new)
        (self.directory / "rabbitmq.conf").write_text(deployed)
        (self.directory / "enabled_plugins").write_text((DEPLOYED / "enabled_plugins").read_text())

    def url(self, user: str, password: str) -> str:
        """Where a user logs in."""
        return f"amqp://{user}:{password}@127.0.0.1:{self.port}/conda-store"


@pytest.fixture(scope="module")
def deployed() -> Iterator[DeployedRabbitMQ]:
    """Such a broker."""
    with DeployedRabbitMQ() as broker:
        yield broker


@pytest.mark.timeout(120)
async def test_broker_starts_as_deployed_and_knows_new_passwords_when_started_again(deployed: DeployedRabbitMQ) -> None:
    bus, solver = RabbitBus(RabbitOptions(url=deployed.url(SOLVER, password_of(SOLVER)), service=SOLVER)), Recorder()
    bus.subscribe(Subscription(handler=solver, queue=SOLVE_QUEUE))
    api = RabbitBus(RabbitOptions(url=deployed.url(API, password_of(API)), service=API))
    async with running(bus, api):
        await api.publish(a_solve_request(1))
        await solver.wait_for(1)
    await asyncio.sleep(SETTLED)
    with pytest.raises(ProbableAuthenticationError):
        await aio_pika.connect(deployed.url("guest", "guest"))
    path = deployed.directory / "rabbitmq_definitions"
    path.write_text(path.read_text().replace(hash_of(path, SOLVER), hash_of(path, API)))
    await asyncio.to_thread(deployed.stop)
    await asyncio.to_thread(deployed.start)
    with pytest.raises(ProbableAuthenticationError):
        await aio_pika.connect(deployed.url(SOLVER, password_of(SOLVER)))
    async with await aio_pika.connect(deployed.url(SOLVER, password_of(API))) as connection:
        assert await User(connection).may(lambda channel: channel.declare_queue(SOLVE_QUEUE, passive=True))


@pytest.mark.timeout(120)
async def test_broker_refuses_what_is_too_large(deployed: DeployedRabbitMQ) -> None:
    large = aio_pika.Message(b"x" * (5 * 1024 * 1024))
    async with await aio_pika.connect(deployed.url("operator", password_of("operator"))) as connection:
        channel = await connection.channel()
        with pytest.raises(ChannelPreconditionFailed, match="larger than configured max size"):
            await channel.default_exchange.publish(large, SOLVE_QUEUE)


def hash_of(path: Path, user: str) -> str:
    """What a definitions file holds of a password."""
    users = json.loads(path.read_text())["users"]
    return str(next(one["password_hash"] for one in users if one["name"] == user))
