"""All that is done for a build belongs to the trace of the request that asked for it, however much later."""

from sqlalchemy import delete, select
from structlog.contextvars import bound_contextvars

from conda_store_api.domain.policy import LedgerOptions
from conda_store_api.use_cases.rescue_builds import Tools, rescue_builds
from conda_store_shared.bus.memory import MemoryBus
from conda_store_shared.contracts.envelope import decode
from conda_store_shared.db.models import Outbox
from tests.unit.api.ledger_builders import Ledger

PARENT = f"00-{'a' * 32}-{'b' * 16}-01"
LATER = f"00-{'a' * 32}-{'c' * 16}-01"
STRANGE = f"00-{'d' * 32}-{'e' * 16}-01"


async def taken(ledger: Ledger) -> dict[str, str | None]:
    """The messages that are to leave, and what they belong to."""
    async with ledger.transactions.begin() as transaction:
        rows = (await transaction.session.scalars(select(Outbox).order_by(Outbox.id))).all()
        await transaction.session.execute(delete(Outbox))
        return {row.routing_key: decode(row.headers, row.body).traceparent for row in rows}


async def test_request_of_a_released_build_belongs_to_what_asked_for_the_build(ledger: Ledger) -> None:
    with bound_contextvars(traceparent=PARENT):
        await ledger.submit()
    await ledger.release()
    assert await taken(ledger) == {"solve.requested": PARENT}


async def test_request_that_is_made_again_belongs_to_it_as_well(ledger: Ledger) -> None:
    with bound_contextvars(traceparent=PARENT):
        await ledger.submit()
    await ledger.release()
    await taken(ledger)
    tools = Tools(transactions=ledger.transactions, store=ledger.store, bus=MemoryBus(), options=LedgerOptions())
    assert await rescue_builds(tools, ledger.now, everything=True) == 1
    assert await taken(ledger) == {"solve.requested": PARENT}


async def test_next_request_belongs_to_the_fact_that_it_follows(ledger: Ledger) -> None:
    with bound_contextvars(traceparent=PARENT):
        build = await ledger.solved()
    await taken(ledger)
    with bound_contextvars(traceparent=LATER):
        await ledger.complete(build)
    told = await taken(ledger)
    assert told["artifact.requested"] == told["link.requested"] == LATER


async def test_request_belongs_to_its_build_when_something_else_sets_it_off(ledger: Ledger) -> None:
    with bound_contextvars(traceparent=PARENT):
        await ledger.submit()
    with bound_contextvars(traceparent=STRANGE):
        await ledger.release()
    assert await taken(ledger) == {"solve.requested": PARENT}


async def test_request_belongs_to_nothing_when_nobody_traces(ledger: Ledger) -> None:
    await ledger.submit()
    await ledger.release()
    assert await taken(ledger) == {"solve.requested": None}
