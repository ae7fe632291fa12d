"""What transactions, outbox and relay must do on every database (design §4.7)."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import datetime

import pytest
import structlog
from sqlalchemy import delete, func, insert, select

from conda_store_shared.bus.memory import MemoryBus
from conda_store_shared.bus.port import Subscription
from conda_store_shared.contracts.envelope import EncodedMessage, decode
from conda_store_shared.contracts.events import BuildCanceled, BuildEvent, SolveRequested
from conda_store_shared.db.engine import Database
from conda_store_shared.db.models import Namespace, Outbox, PublicEvent
from conda_store_shared.errors import BusUnavailable, QueueMissing
from conda_store_shared.relay import Relay
from conda_store_shared.testing.bus_messages import SOLVE_QUEUE, Recorder, eventually, running
from conda_store_shared.transaction import Transactions

MOMENT = datetime(2026, 11, 22, 12)


def a_request(build_id: int, digest: str = "0") -> SolveRequested:
    """A message of a build; ``digest`` tells messages of one build apart."""
    return SolveRequested(build_id=build_id, build_key=f"key-{build_id}", order_digest=digest)


def an_event(environment: str = "weather") -> PublicEvent:
    """A public event of an environment."""
    return PublicEvent(type="environment.created", time=MOMENT, namespace="team", environment=environment, data={})


class RecordingBus(MemoryBus):
    """Notes what is published; fails on the messages and in the moments it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.published: list[SolveRequested] = []
        self.away = False
        self.refused: set[int] = set()

    async def publish(self, message: EncodedMessage) -> None:
        event = decode(message.headers, message.body).event
        assert isinstance(event, SolveRequested)
        await asyncio.sleep(0)
        if self.away or event.build_id in self.refused:
            raise BusUnavailable("the broker is away")
        self.published.append(event)
        await super().publish(message)

    def digests(self, build_id: int) -> list[str]:
        """The messages of a build in the order they were published."""
        return [event.order_digest for event in self.published if event.build_id == build_id]


class EarlyBus(MemoryBus):
    """A broker that lacks the queues of consumers which have not started, and notes what it takes."""

    def __init__(self) -> None:
        super().__init__()
        self.absent = {SolveRequested.routing_key}
        self.taken: list[tuple[int, str]] = []

    async def publish(self, message: EncodedMessage) -> None:
        if message.routing_key in self.absent:
            raise QueueMissing("its consumer has not started")
        event = decode(message.headers, message.body).event
        assert isinstance(event, BuildEvent)
        self.taken.append((event.build_id, message.routing_key))


async def count(database: Database, table: type[Outbox | Namespace | PublicEvent]) -> int:
    """Rows in a table."""
    async with database.session() as session:
        return await session.scalar(select(func.count()).select_from(table)) or 0


@contextlib.asynccontextmanager
async def relaying(*relays: Relay) -> AsyncIterator[None]:
    """Run relays for the length of the block."""
    tasks = [asyncio.create_task(relay.run()) for relay in relays]
    yield
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)


class TransactionSuite:
    """Needs a fixture ``transactions``, of the service api."""

    async def test_rows_and_messages_leave_together_when_committed(self, transactions: Transactions) -> None:
        async with transactions.begin() as transaction:
            transaction.session.add(Namespace(name="team"))
            transaction.publish(a_request(1))
            assert not transactions.committed.is_set()
        assert await count(transactions.database, Namespace) == await count(transactions.database, Outbox) == 1
        assert transactions.committed.is_set()

    async def test_nothing_stays_when_the_block_raises(self, transactions: Transactions) -> None:
        with pytest.raises(ZeroDivisionError):  # noqa: PT012 - the block is what is rolled back
            async with transactions.begin() as transaction:
                transaction.session.add(Namespace(name="team"))
                await transaction.session.flush()
                transaction.publish(a_request(1))
                transaction.record(an_event())
                raise ZeroDivisionError
        for table in (Namespace, Outbox, PublicEvent):
            assert await count(transactions.database, table) == 0
        assert not transactions.committed.is_set()

    async def test_session_refuses_to_write_when_it_only_reads(self, transactions: Transactions) -> None:
        async with transactions.database.session() as session:
            with pytest.raises(TypeError, match="write in a transaction"):
                await session.execute(insert(Namespace).values(name="team"))
            session.add(Namespace(name="team"))
            with pytest.raises(TypeError, match="write in a transaction"):
                await session.flush()
        assert await count(transactions.database, Namespace) == 0

    async def test_message_carries_the_request_it_belongs_to(self, transactions: Transactions) -> None:
        with structlog.contextvars.bound_contextvars(correlation_id="request-7", traceparent="00-a-b-01"):
            async with transactions.begin() as transaction:
                transaction.publish(a_request(1))
        async with transactions.database.session() as session:
            row = (await session.scalars(select(Outbox))).one()
        envelope = decode(row.headers, row.body)
        assert (envelope.correlation_id, envelope.traceparent, envelope.source) == ("request-7", "00-a-b-01", "api")
        assert (row.service, row.build_id, envelope.event) == ("api", 1, a_request(1))

    async def test_event_ids_are_in_the_order_of_commits_when_many_write(self, transactions: Transactions) -> None:
        committed: list[str] = []
        gate = asyncio.Semaphore(4)

        async def write(number: int) -> None:
            async with gate:
                async with transactions.begin() as transaction:
                    transaction.record(an_event(f"first.{number}"))
                    await asyncio.sleep(0.002 * (number % 3))
                    transaction.record(an_event(f"second.{number}"))
                committed.append(f"{number}")

        seen: list[int] = []

        async def read() -> None:
            while len(seen) < 40:
                async with transactions.database.session() as session:
                    query = select(PublicEvent.id).where(PublicEvent.id > max(seen, default=0)).order_by(PublicEvent.id)
                    seen.extend(await session.scalars(query))

        async with asyncio.timeout(15), asyncio.TaskGroup() as group:
            group.create_task(read())
            for number in range(20):
                group.create_task(write(number))
        # Whoever reads "id > n" again and again has missed none.
        assert len(seen) == len(set(seen)) == 40

    async def test_relay_publishes_in_order_per_build_when_many_wait(self, transactions: Transactions) -> None:
        for number in range(20):
            async with transactions.begin() as transaction:
                transaction.publish(a_request(number % 3, f"{number}a"))
                transaction.publish(a_request(number % 3, f"{number}b"))
        bus = RecordingBus()
        assert await Relay(transactions, bus).publish_batch() is False
        for build_id in range(3):
            numbers = [number for number in range(20) if number % 3 == build_id]
            assert bus.digests(build_id) == [f"{number}{part}" for number in numbers for part in "ab"]
        assert await count(transactions.database, Outbox) == 0

    async def test_relay_keeps_the_order_when_two_run_at_once(self, transactions: Transactions) -> None:
        bus = RecordingBus()
        other = Transactions(transactions.database, "api")
        async with relaying(Relay(transactions, bus), Relay(other, bus)):
            for number in range(60):
                async with (transactions if number % 2 else other).begin() as transaction:
                    transaction.publish(a_request(number % 2, str(number)))
            await eventually(lambda: len(bus.published) >= 60)
        for build_id in range(2):
            assert bus.digests(build_id) == [str(number) for number in range(60) if number % 2 == build_id]

    async def test_relay_repeats_but_loses_nothing_when_it_died_before_it_could_note(
        self, transactions: Transactions
    ) -> None:
        bus = RecordingBus()
        for digest in "ab":
            async with transactions.begin() as transaction:
                transaction.publish(a_request(1, digest))
        relay = Relay(transactions, bus)
        async with transactions.database.session() as session:
            rows = list(await session.scalars(select(Outbox).order_by(Outbox.id)))
        # Published, and then the process is gone.
        for row in rows:
            await bus.publish(
                EncodedMessage(
                    message_id=row.message_id, routing_key=row.routing_key, headers=row.headers, body=row.body
                )
            )
        await relay.publish_batch()
        assert bus.digests(1) == ["a", "b", "a", "b"]
        assert await count(transactions.database, Outbox) == 0

    async def test_relay_keeps_messages_when_the_broker_is_away(self, transactions: Transactions) -> None:
        bus = RecordingBus()
        bus.away = True
        async with transactions.begin() as transaction:
            transaction.publish(a_request(1))
        with pytest.raises(BusUnavailable):
            await Relay(transactions, bus).publish_batch()
        assert await count(transactions.database, Outbox) == 1
        bus.away = False
        await Relay(transactions, bus).publish_batch()
        assert bus.digests(1) == ["0"]

    async def test_relay_forgets_what_was_confirmed_when_another_build_fails(self, transactions: Transactions) -> None:
        bus = RecordingBus()
        bus.refused = {2}
        async with transactions.begin() as transaction:
            for build_id, digest in ((1, "a"), (2, "a"), (1, "b"), (2, "b")):
                transaction.publish(a_request(build_id, digest))
        with pytest.raises(BusUnavailable):
            await Relay(transactions, bus).publish_batch()
        assert bus.digests(1) == ["a", "b"]
        bus.refused = set()
        await Relay(transactions, bus).publish_batch()
        assert bus.digests(1) == ["a", "b"]
        assert bus.digests(2) == ["a", "b"]

    async def test_relay_leaves_messages_of_other_services(self, transactions: Transactions) -> None:
        async with Transactions(transactions.database, "auth").begin() as transaction:
            transaction.publish(a_request(1))
        bus = RecordingBus()
        await Relay(transactions, bus).publish_batch()
        assert bus.published == []
        assert await count(transactions.database, Outbox) == 1

    async def test_relay_delivers_by_itself_when_the_broker_comes_back(self, transactions: Transactions) -> None:
        bus, solver = RecordingBus(), Recorder()
        bus.subscribe(Subscription(handler=solver, queue=SOLVE_QUEUE))
        bus.away = True
        async with running(bus), relaying(Relay(transactions, bus)):
            async with transactions.begin() as transaction:
                transaction.publish(a_request(1))
            await asyncio.sleep(0.05)
            bus.away = False
            async with transactions.begin() as transaction:
                transaction.publish(a_request(2))
            await solver.wait_for(1, 2)

    async def test_relay_publishes_everything_when_more_wait_than_fit_a_batch(self, transactions: Transactions) -> None:
        async with transactions.begin() as transaction:
            for number in range(450):
                transaction.publish(a_request(number % 7, str(number)))
        bus = RecordingBus()
        relay = Relay(transactions, bus)
        assert [await relay.publish_batch() for _ in range(3)] == [True, True, False]
        assert len(bus.published) == 450
        assert bus.digests(3) == [str(number) for number in range(450) if number % 7 == 3]

    @pytest.mark.slow
    async def test_relay_keeps_what_nobody_takes_yet_and_lets_the_rest_pass(self, transactions: Transactions) -> None:
        bus = EarlyBus()
        solve, cancel = SolveRequested.routing_key, BuildCanceled.routing_key
        async with transactions.begin() as transaction:
            # More than a batch, so that they alone would fill every one.
            for build_id in range(450):
                transaction.publish(a_request(build_id))
            for build_id in (7, 1000):
                transaction.publish(BuildCanceled(build_id=build_id, build_key=f"key-{build_id}"))
        async with relaying(Relay(transactions, bus)):
            await eventually(lambda: bool(bus.taken))
            # That of build 7 comes after its request, and waits with it.
            await asyncio.sleep(0.1)
            assert bus.taken == [(1000, cancel)]
            assert await count(transactions.database, Outbox) == 451
            bus.absent.clear()
            await eventually(lambda: len(bus.taken) == 452)
        assert [taken for taken in bus.taken if taken[0] == 7] == [(7, solve), (7, cancel)]
        assert {build_id for build_id, key in bus.taken if key == solve} == set(range(450))

    async def test_outbox_row_stays_gone_when_somebody_deleted_it(self, transactions: Transactions) -> None:
        async with transactions.begin() as transaction:
            transaction.publish(a_request(1))
        async with transactions.begin() as transaction:
            await transaction.session.execute(delete(Outbox))
        assert await Relay(transactions, RecordingBus()).publish_batch() is False
