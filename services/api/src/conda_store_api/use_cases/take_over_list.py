"""A list of a channel's packages is in the object store: make the rows as it has them, by difference."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog

from conda_store_api.domain.index_difference import difference
from conda_store_api.repositories.channel_lists import (
    ChannelList,
    find_channel_list,
    note_taken_over,
    replace_sections,
    section_digests,
)
from conda_store_api.repositories.listed_packages import apply_difference, stored_builds, stored_packages
from conda_store_api.repositories.name_ranges import NameRange
from conda_store_api.repositories.package_locks import own_packages
from conda_store_api.use_cases.act import Act
from conda_store_api.use_cases.ledger.public_events import Place, record_at
from conda_store_shared.contracts import public_events
from conda_store_shared.contracts.events import ChannelIndexed
from conda_store_shared.domain.channel_index import Contents, IndexedPackage, Section
from conda_store_shared.domain.storage_keys import channel_index_key
from conda_store_shared.errors import InvalidChannelIndex, NotFound
from conda_store_shared.storage.channel_lists import read_list_contents, read_list_sections
from conda_store_shared.storage.object_store import ObjectStore
from conda_store_shared.transaction import Transaction, Transactions

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeOverTools:
    """What the use case works with; ``run_bytes``, compressed, are taken over at once: about a thousand files."""

    transactions: Transactions
    store: ObjectStore
    run_bytes: int = 64 * 1024


async def take_over_list(event: ChannelIndexed, tools: TakeOverTools, now: datetime) -> None:
    """Take over what the newest list has; a repeat, and word of a list that was replaced, change nothing more.

    Section by section, in transactions of their own: whoever is killed in between left that much done.
    """
    try:
        contents = await read_list_contents(tools.store, event.channel, event.subdir)
        await _take_over(contents, tools, now)
    except NotFound:
        log.info("list_missing", channel=event.channel, subdir=event.subdir)
    except InvalidChannelIndex as error:
        await _discard_broken(event, tools.store, error)


async def _take_over(contents: Contents, tools: TakeOverTools, now: datetime) -> None:
    async with tools.transactions.database.session() as session:
        wanted = await find_channel_list(session, contents.channel, contents.subdir)
        known = await section_digests(session, wanted) if wanted else {}
    if wanted is None:
        return
    if wanted.digest != contents.digest:
        changed = [section for section in contents.sections if known.get(section.first) != section.digest]
        for run in _runs(changed, tools.run_bytes):
            listed = await read_list_sections(tools.store, contents, run)
            if not await _take_over_run(run, listed, wanted, tools.transactions):
                return
    async with tools.transactions.begin() as transaction:
        await note_taken_over(transaction.session, wanted, contents.digest, now)
        if wanted.digest != contents.digest:
            _record(transaction, contents, now)


def _record(transaction: Transaction, contents: Contents, now: datetime) -> None:
    indexed = public_events.ChannelIndexed(
        channel=contents.channel, subdir=contents.subdir, index_digest=contents.digest
    )
    record_at(transaction, Place(""), indexed, Act(actor=None, now=now))


async def _take_over_run(
    run: Sequence[Section], listed: Sequence[Sequence[IndexedPackage]], wanted: ChannelList, transactions: Transactions
) -> bool:
    """Take over sections that follow one another; False when the list is not wanted any more."""
    names = NameRange(channel_id=wanted.channel_id, first=run[0].first, end=run[-1].end)
    async with transactions.begin() as transaction:
        session = transaction.session
        await own_packages(session)
        if await find_channel_list(session, wanted.channel, wanted.subdir) is None:
            return False
        packages = await stored_packages(session, names)
        builds = await stored_builds(session, names, wanted.subdir)
        change = difference(packages, builds, [package for section in listed for package in section])
        await apply_difference(session, names, wanted.subdir, change)
        await replace_sections(session, wanted.subdir, names, {section.first: section.digest for section in run})
    return True


def _runs(sections: Sequence[Section], most: int) -> Iterator[list[Section]]:
    """Group sections that follow one another, up to ``most`` bytes."""
    run: list[Section] = []
    for section in sections:
        if run and (run[-1].end != section.first or section.offset + section.length - run[0].offset > most):
            yield run
            run = []
        run.append(section)
    if run:
        yield run


async def _discard_broken(event: ChannelIndexed, store: ObjectStore, error: InvalidChannelIndex) -> None:
    """Delete a list that nobody can read, so that the next request brings another; one just replaced is none."""
    key = channel_index_key(event.channel, event.subdir)
    try:
        replaced = (await read_list_contents(store, event.channel, event.subdir)).digest != event.index_digest
    except (NotFound, InvalidChannelIndex):
        replaced = False
    if not replaced:
        log.error("list_broken", channel=event.channel, subdir=event.subdir, reason=error.message)
        await store.delete(key)
