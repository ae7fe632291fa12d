"""Which lists of channels' packages are wanted, asked for, and taken over."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, delete, exists, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from conda_store_api.repositories.name_ranges import NameRange
from conda_store_api.repositories.packages import ensure_channels
from conda_store_shared.db.models import CondaChannel, CondaChannelIndex, CondaIndexSection
from conda_store_shared.db.statements import insert_all_new

ChannelSubdir = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelList:
    """The list of one subdir of a channel; ``requested_on`` is None for one that is not wanted any more."""

    channel_id: int
    channel: str
    subdir: str
    requested_on: datetime | None
    indexed_on: datetime | None
    digest: str | None

    @property
    def is_answered(self) -> bool:
        """Whether a list came since one was asked for."""
        return self.requested_on is None or (self.indexed_on is not None and self.indexed_on >= self.requested_on)


async def list_channel_lists(session: AsyncSession) -> dict[ChannelSubdir, ChannelList]:
    """Return every list there is, by channel and subdir."""
    rows = await session.execute(
        select(CondaChannelIndex, CondaChannel.name).join(
            CondaChannel, CondaChannel.id == CondaChannelIndex.channel_id
        )
    )
    return {(name, row.subdir): _channel_list(row, name) for row, name in rows}


async def find_channel_list(session: AsyncSession, channel: str, subdir: str) -> ChannelList | None:
    """Return one list if it is wanted."""
    rows = await session.execute(
        select(CondaChannelIndex, CondaChannel.name)
        .join(CondaChannel, CondaChannel.id == CondaChannelIndex.channel_id)
        .where(CondaChannel.name == channel, CondaChannelIndex.subdir == subdir)
        .where(CondaChannelIndex.requested_on.is_not(None))
    )
    found = rows.one_or_none()
    return None if found is None else _channel_list(found[0], found[1])


async def ensure_channel_lists(session: AsyncSession, wanted: Collection[ChannelSubdir]) -> None:
    """Insert the lists that are not there."""
    channels = await ensure_channels(session, sorted({channel for channel, _ in wanted}))
    rows = [{"channel_id": channels[channel], "subdir": subdir} for channel, subdir in sorted(wanted)]
    await insert_all_new(session, CondaChannelIndex, rows)


async def claim_request(session: AsyncSession, wanted: ChannelList, now: datetime) -> bool:
    """Note that the list is asked for; False when somebody else did meanwhile."""
    index = CondaChannelIndex
    unchanged = index.requested_on.is_not_distinct_from(wanted.requested_on)
    result = await session.execute(
        update(index).where(*_is(wanted), unchanged).values(requested_on=now),
        execution_options={"preserve_rowcount": True},
    )
    return bool(result.rowcount)  # type: ignore[attr-defined]


async def note_taken_over(session: AsyncSession, taken: ChannelList, digest: str, now: datetime) -> None:
    """Note that the rows are as the list has them."""
    await session.execute(update(CondaChannelIndex).where(*_is(taken)).values(digest=digest, indexed_on=now))
    await session.execute(update(CondaChannel).where(CondaChannel.id == taken.channel_id).values(last_update=now))


async def begin_forgetting(session: AsyncSession, unwanted: ChannelList) -> None:
    """Note that the list is not wanted any more: none that still comes is taken over."""
    await session.execute(update(CondaChannelIndex).where(*_is(unwanted)).values(requested_on=None, digest=None))
    await session.execute(
        delete(CondaIndexSection).where(
            CondaIndexSection.channel_id == unwanted.channel_id, CondaIndexSection.subdir == unwanted.subdir
        )
    )


async def end_forgetting(session: AsyncSession, unwanted: ChannelList) -> None:
    """Delete the list, unless it is wanted again."""
    index = CondaChannelIndex
    await session.execute(delete(index).where(*_is(unwanted), index.requested_on.is_(None)))
    others = exists().where(index.channel_id == CondaChannel.id)
    channel = CondaChannel.id == unwanted.channel_id
    await session.execute(update(CondaChannel).where(channel, ~others).values(last_update=None))


async def section_digests(session: AsyncSession, taken: ChannelList) -> dict[str, str]:
    """Return the digest of each section that was taken over, by the name it begins with."""
    section = CondaIndexSection
    rows = await session.execute(
        select(section.first, section.digest).where(
            section.channel_id == taken.channel_id, section.subdir == taken.subdir
        )
    )
    return {first: digest for first, digest in rows}  # noqa: C416 - rows are no pairs to mypy


async def replace_sections(session: AsyncSession, subdir: str, names: NameRange, digests: Mapping[str, str]) -> None:
    """Note the sections of a range of names as they are now."""
    section = CondaIndexSection
    covered = names.covering(section.channel_id, section.first)
    await session.execute(delete(section).where(section.subdir == subdir, *covered))
    rows: Sequence[dict[str, object]] = [
        {"channel_id": names.channel_id, "subdir": subdir, "first": first, "digest": digest}
        for first, digest in sorted(digests.items())
    ]
    await insert_all_new(session, section, rows)


def _is(one: ChannelList) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return CondaChannelIndex.channel_id == one.channel_id, CondaChannelIndex.subdir == one.subdir


def _channel_list(row: CondaChannelIndex, channel: str) -> ChannelList:
    return ChannelList(
        channel_id=row.channel_id,
        channel=channel,
        subdir=row.subdir,
        requested_on=row.requested_on,
        indexed_on=row.indexed_on,
        digest=row.digest,
    )
