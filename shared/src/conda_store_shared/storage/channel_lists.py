"""Reads the lists of channels' packages from the object store: the table of contents, then what is wanted of it."""

from collections.abc import Sequence

from conda_store_shared.domain.channel_index import Contents, IndexedPackage, Section, read_contents, unpack_section
from conda_store_shared.domain.storage_keys import channel_index_key
from conda_store_shared.errors import InvalidChannelIndex
from conda_store_shared.storage.object_store import ObjectStore

_LONGEST_CONTENTS = 16 * 1024 * 1024


async def read_list_contents(store: ObjectStore, channel: str, subdir: str) -> Contents:
    """Return the table of contents of a subdir's list; raises NotFound, InvalidChannelIndex, StorageUnavailable."""
    line = bytearray()
    async for piece in store.stream(channel_index_key(channel, subdir)):
        head, newline, _ = piece.partition(b"\n")
        line += head + newline
        if newline:
            return read_contents(bytes(line))
        if len(line) > _LONGEST_CONTENTS:
            break
    raise InvalidChannelIndex(f"the list of {channel}/{subdir} has no table of contents")


async def read_list_sections(
    store: ObjectStore, contents: Contents, sections: Sequence[Section]
) -> list[list[IndexedPackage]]:
    """Return the packages of sections that follow one another, section by section.

    Raises NotFound, StorageUnavailable, and InvalidChannelIndex when the list was replaced meanwhile.
    """
    start, end = sections[0].offset, sections[-1].offset + sections[-1].length
    content = bytearray()
    async for piece in store.stream(channel_index_key(contents.channel, contents.subdir), start, end):
        content += piece
    return [
        unpack_section(section, bytes(content[section.offset - start : section.offset - start + section.length]))
        for section in sections
    ]
