"""Messages reach the ledger over the bus, each kind of them (design §4.6, style guide §5)."""

import asyncio
from dataclasses import dataclass, field

import pytest

from conda_store_api.consumers import Tools, subscriptions
from conda_store_api.domain.policy import LedgerOptions
from conda_store_api.use_cases.ledger.stage_failed import RetryPolicy
from conda_store_shared.bus.backoff import Backoff
from conda_store_shared.bus.consumer import Patience
from conda_store_shared.bus.memory import MemoryBus, MemoryOptions
from conda_store_shared.bus.port import Subscription
from conda_store_shared.contracts import events
from conda_store_shared.contracts.envelope import Envelope
from conda_store_shared.contracts.topology import API, ROUTES, SOLVER, dead_queue_name, durable_queues, queue_name
from conda_store_shared.db.models import Build
from conda_store_shared.db.moments import now
from conda_store_shared.domain.canonical import sha256_hex
from conda_store_shared.domain.stage import PREFIX, SOLVE
from conda_store_shared.domain.storage_keys import found_specification_key
from conda_store_shared.testing.bus_messages import a_message, depth_becomes, eventually, running
from tests.unit.api.ledger_builders import Attempt, Ledger, a_policy, of_type

pytestmark = pytest.mark.slow

SOON = Patience(crashed=Backoff(first=0.001, longest=0.001))
REQUESTS = (events.SolveRequested, events.PrefixRequested, events.ArtifactRequested)


@dataclass
class Wired:
    """The consumers of api on a bus that repeats one message in three; ``ended`` counts how often loops were woken."""

    ledger: Ledger
    bus: MemoryBus = field(default_factory=lambda: MemoryBus(MemoryOptions(duplicates=0.3, seed=1)))
    ended: int = 0

    def __post_init__(self) -> None:
        tools = Tools(
            transactions=self.ledger.transactions,
            store=self.ledger.store,
            retry=RetryPolicy(),
            options=LedgerOptions(),
            policy=a_policy(),
            ended=self._end,
            discarded=lambda: None,
        )
        for subscription in subscriptions(tools):
            self.bus.subscribe(subscription)

    def _end(self) -> None:
        self.ended += 1

    async def status_becomes(self, build: Build, status: str) -> None:
        """Return once a build has a status."""
        async with asyncio.timeout(10):
            while (await self.ledger.build(build.id)).status != status:  # noqa: ASYNC110 - the row tells when asked
                await asyncio.sleep(0.01)


@pytest.fixture
def wired(ledger: Ledger) -> Wired:
    ledger.now = now()
    return Wired(ledger)


async def test_every_message_for_api_has_a_handler(wired: Wired) -> None:
    mine = {queue.name for queue in durable_queues() if queue.name.startswith(f"{API}.")}
    lost = {
        dead_queue_name(queue_name(route.consumers[0], route.event)) for route in ROUTES if route.event in REQUESTS
    }
    tools = Tools(
        transactions=wired.ledger.transactions,
        store=wired.ledger.store,
        retry=RetryPolicy(),
        options=LedgerOptions(),
        policy=a_policy(),
        ended=lambda: None,
        discarded=lambda: None,
    )
    assert {subscription.queue for subscription in subscriptions(tools)} == mine | lost


async def test_build_completes_over_the_bus(wired: Wired) -> None:
    ledger = wired.ledger
    build = await ledger.released()
    await ledger.put_record(build)
    async with running(wired.bus):
        solve, prefix = Attempt(build, SOLVE, ledger.now), Attempt(build, PREFIX, ledger.now)
        for fact in (solve.started(), solve.log(0, "solving\n"), solve.progress(), solve.product()):
            await wired.bus.publish(a_message(fact))
        await wired.bus.publish(a_message(prefix.started()))
        await wired.bus.publish(a_message(prefix.product()))
        await wired.status_becomes(build, "COMPLETED")
        await depth_becomes(wired.bus, "api.log.written", 0)
    assert await ledger.artifacts(build) == ["DIRECTORY", "LOCKFILE"]
    assert wired.ended > 0


async def test_watched_file_is_built_once_over_the_bus(wired: Wired) -> None:
    ledger, text = wired.ledger, b"name: weather"
    found = events.SpecificationFound(path="/srv/weather.yml", digest=sha256_hex(text))
    await ledger.store.put(found_specification_key(found.digest), text, "text/yaml")
    async with running(wired.bus):
        for _ in range(5):
            await wired.bus.publish(a_message(found))
        await eventually(lambda: wired.ended == 1)
        await depth_becomes(wired.bus, queue_name(API, events.SpecificationFound), 0)
    assert await ledger.count(Build) == [1]


async def test_request_goes_out_again_when_the_broker_gave_it_up(ledger: Ledger) -> None:
    ledger.now = now()
    build = await ledger.released()
    wired = Wired(ledger, MemoryBus(MemoryOptions(patience=SOON, delivery_limit=0)))

    async def crash(_envelope: Envelope) -> None:
        raise ZeroDivisionError

    request = events.SolveRequested(build_id=build.id, build_key=build.build_key, order_digest="0" * 64)
    wired.bus.subscribe(Subscription(handler=crash, queue=queue_name(SOLVER, events.SolveRequested)))
    async with running(wired.bus):
        await wired.bus.publish(a_message(request))
        async with asyncio.timeout(10):
            while not of_type(await ledger.take(), events.SolveRequested):  # noqa: ASYNC110 - told only when asked
                await asyncio.sleep(0.01)
