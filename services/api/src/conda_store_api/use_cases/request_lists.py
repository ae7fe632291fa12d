"""Asks for the lists of the indexed channels, one replica at a time, and forgets those that are not wanted any more."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from conda_store_api.repositories.channel_lists import (
    ChannelList,
    ChannelSubdir,
    begin_forgetting,
    claim_request,
    end_forgetting,
    ensure_channel_lists,
    list_channel_lists,
)
from conda_store_api.repositories.listed_packages import forget_builds, next_range
from conda_store_api.repositories.package_locks import own_packages
from conda_store_api.repositories.settings import effective_settings
from conda_store_shared.bus.port import Bus, has_nothing_waiting
from conda_store_shared.conda.channels import normalise_channel, strip_credentials
from conda_store_shared.contracts.events import IndexRequested
from conda_store_shared.contracts.topology import SOLVER, queue_name
from conda_store_shared.domain.settings import Settings
from conda_store_shared.transaction import Transactions

# Names whose packages are forgotten in one transaction.
_NAMES = 200

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class ListTools:
    """What asking for lists needs; ``defaults`` are the deployment's settings, ``interval`` is in seconds."""

    transactions: Transactions
    bus: Bus
    defaults: Settings
    interval: float = 900


async def request_lists(tools: ListTools, now: datetime, *, everything: bool = False) -> int:
    """Ask for the lists that are due; return how many.

    With ``everything`` those that were asked for and did not come are due as well, because whoever had the request died
    with us.  Any number of replicas may do this at once: each list is claimed by one.
    Raises BusUnavailable, DatabaseUnavailable.
    """
    async with tools.transactions.database.session() as session:
        wanted = await _wanted_lists(session, tools.defaults)
        known = await list_channel_lists(session)
    for unwanted in [known[key] for key in sorted(known.keys() - wanted)]:
        if _is_forsaken(unwanted, now, tools.interval):
            await forget_list(unwanted, tools.transactions)
    missing = wanted - known.keys()
    if missing:
        async with tools.transactions.begin() as transaction:
            await ensure_channel_lists(transaction.session, missing)
            known = await list_channel_lists(transaction.session)
    before = now - timedelta(seconds=tools.interval)
    due = [one for key, one in sorted(known.items()) if key in wanted and _is_due(one, before, everything=everything)]
    if not due or await _solvers_are_behind(tools):
        return 0
    return await _request(tools, due, now)


async def forget_list(unwanted: ChannelList, transactions: Transactions) -> None:
    """Delete the packages that only the list knew; a few names at a time, so that nobody waits long."""
    log.info("channel_forgotten", channel=unwanted.channel, subdir=unwanted.subdir)
    async with transactions.begin() as transaction:
        await own_packages(transaction.session)
        await begin_forgetting(transaction.session, unwanted)
    first: str | None = ""
    while first is not None:
        async with transactions.begin() as transaction:
            await own_packages(transaction.session)
            names = await next_range(transaction.session, unwanted.channel_id, first, _NAMES)
            if names is not None:
                await forget_builds(transaction.session, names, unwanted.subdir)
        first = None if names is None else names.end
    async with transactions.begin() as transaction:
        await end_forgetting(transaction.session, unwanted)


async def _wanted_lists(session: AsyncSession, defaults: Settings) -> set[ChannelSubdir]:
    """The lists that the settings ask for; credentials belong into the configuration of the solver."""
    settings = await effective_settings(session, defaults)
    channels = {
        strip_credentials(normalise_channel(name, settings.conda_channel_alias))
        for name in settings.conda_indexed_channels
    }
    return {(channel, subdir) for channel in channels for subdir in settings.conda_platforms}


def _is_due(one: ChannelList, before: datetime, *, everything: bool) -> bool:
    if one.requested_on is None or one.requested_on <= before:
        return True
    return everything and not one.is_answered


def _is_forsaken(one: ChannelList, now: datetime, interval: float) -> bool:
    """Whether no replica wants the list: while settings are being rolled out, another may ask for it still."""
    return one.requested_on is None or one.requested_on <= now - 2 * timedelta(seconds=interval)


async def _solvers_are_behind(tools: ListTools) -> bool:
    """Whether earlier requests still wait; more of them would only make the queue longer."""
    return not await has_nothing_waiting(tools.bus, queue_name(SOLVER, IndexRequested))


async def _request(tools: ListTools, due: Sequence[ChannelList], now: datetime) -> int:
    requested = 0
    async with tools.transactions.begin() as transaction:
        for one in due:
            if await claim_request(transaction.session, one, now):
                transaction.publish(IndexRequested(channel=one.channel, subdir=one.subdir))
                requested += 1
    return requested
