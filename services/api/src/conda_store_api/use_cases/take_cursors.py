"""Lets each of those who are told of public events one after the other go on in the log from where it was."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from conda_store_api.repositories.event_cursors import begin_now, forget_reader, list_readers
from conda_store_shared.transaction import Transactions

Work = Callable[[], Awaitable[None]]


async def work_through_events(transactions: Transactions, readers: Mapping[str, Work]) -> None:
    """Run what reads the log, by the name of its cursor, until cancelled; raises DatabaseUnavailable, in a group."""
    await settle_cursors(transactions, readers)
    async with asyncio.TaskGroup() as group:
        for work in readers.values():
            group.create_task(_awaited(work))


async def settle_cursors(transactions: Transactions, readers: Mapping[str, object]) -> None:
    """Let those that are new begin now, and forget those that are gone; raises DatabaseUnavailable."""
    async with transactions.begin() as transaction:
        known = set(await list_readers(transaction.session))
        for reader in sorted(known - set(readers)):
            await forget_reader(transaction.session, reader)
        for reader in sorted(set(readers) - known):
            await begin_now(transaction.session, reader)


async def _awaited(work: Work) -> None:
    await work()
