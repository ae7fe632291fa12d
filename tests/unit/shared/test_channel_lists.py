"""Reading lists of channels' packages from an object store."""

from pathlib import Path

import pytest

from conda_store_shared.domain.storage_keys import channel_index_key
from conda_store_shared.errors import InvalidChannelIndex, NotFound
from conda_store_shared.storage.channel_lists import read_list_contents, read_list_sections
from conda_store_shared.storage.filesystem import FilesystemStore
from conda_store_shared.testing.channel_lists import many_packages, put_list

CHANNEL = "https://c.example/forge"


async def test_sections_are_read_alone_when_they_are_wanted_alone(tmp_path: Path) -> None:
    packages = list(many_packages(400))
    async with FilesystemStore(tmp_path) as store:
        put = await put_list(store, CHANNEL, "noarch", packages)
        contents = await read_list_contents(store, CHANNEL, "noarch")
        assert contents == put
        few = contents.sections[3:6]
        read = await read_list_sections(store, contents, few)
    assert [package for section in read for package in section] == [
        package for package in packages if few[0].first <= package.name < str(few[-1].end)
    ]


async def test_section_is_refused_when_the_list_was_replaced_meanwhile(tmp_path: Path) -> None:
    async with FilesystemStore(tmp_path) as store:
        contents = await put_list(store, CHANNEL, "noarch", many_packages(100))
        await put_list(store, CHANNEL, "noarch", many_packages(100, seed=2))
        with pytest.raises(InvalidChannelIndex):
            await read_list_sections(store, contents, contents.sections[:2])


async def test_reader_is_told_when_there_is_no_list(tmp_path: Path) -> None:
    async with FilesystemStore(tmp_path) as store:
        with pytest.raises(NotFound):
            await read_list_contents(store, CHANNEL, "noarch")
        await store.put(channel_index_key(CHANNEL, "noarch"), b"no table", "text/plain")
        with pytest.raises(InvalidChannelIndex):
            await read_list_contents(store, CHANNEL, "noarch")
