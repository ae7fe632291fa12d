"""Listing real channels over HTTP in a child: what is fetched again, what is told, and what is never written down."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from conda_store_shared.domain.channel_index import IndexedPackage, read_contents, unpack_section
from conda_store_shared.errors import StageFailure
from conda_store_shared.testing.demo_channel import DemoChannel
from conda_store_shared.testing.demo_channel.server import ChannelServer
from conda_store_shared.testing.tiny_channel import TinyPackage, UnfriendlyServer, write_tiny_channel
from conda_store_solver.adapters.channel_indexer import ChildIndexer
from conda_store_solver.ports import IndexFile


def an_indexer(tmp_path: Path, **options: Any) -> ChildIndexer:
    return ChildIndexer(**{"cache_directory": tmp_path / "cache", "timeout": 60.0, **options})


def packages_in(index: IndexFile) -> list[IndexedPackage]:
    content = index.path.read_bytes()
    contents = read_contents(content[: content.index(b"\n") + 1])
    assert contents.digest == index.digest
    return [
        package
        for section in contents.sections
        for package in unpack_section(section, content[section.offset : section.offset + section.length])
    ]


def names_in(index: IndexFile) -> list[str]:
    return [package.name for package in packages_in(index)]


async def test_channel_is_fetched_again_only_when_it_has_changed(tmp_path: Path) -> None:
    channel = tmp_path / "channel"
    await asyncio.to_thread(write_tiny_channel, channel, [TinyPackage(name="a"), TinyPackage(name="b")])
    (channel / "channeldata.json").write_text(json.dumps({"packages": {"a": {"summary": "About a"}}}))
    indexer = an_indexer(tmp_path)
    with ChannelServer(channel) as server:
        first = await indexer.index(server.url, "noarch")
        assert [(package.name, package.summary) for package in packages_in(first)] == [("a", "About a"), ("b", None)]
        server.requests.clear()
        assert await indexer.index(server.url, "noarch") == first
        fetched = {(one.path.rpartition("/")[2], one.status) for one in server.requests if one.method == "GET"}
        assert fetched == {("repodata.json.zst", 304), ("channeldata.json", 304)}
        (channel / "noarch" / "b-1.0-0.tar.bz2").unlink()
        await asyncio.to_thread(write_tiny_channel, channel, [TinyPackage(name="c")])
        changed = await indexer.index(server.url, "noarch")
    assert names_in(changed) == ["a", "c"]
    assert changed.digest != first.digest


async def test_real_packages_are_listed_with_their_files(
    demo_channel: DemoChannel, demo_channel_server: ChannelServer, tmp_path: Path
) -> None:
    index = await an_indexer(tmp_path).index(demo_channel_server.url, "linux-64")
    python = next(package for package in packages_in(index) if package.name == "python")
    assert python.version == demo_channel.python_version
    assert all(len(build.sha256) == 64 and build.size > 0 for build in python.builds)
    assert index.left_out == 0


@pytest.mark.parametrize(
    ("place", "subdir", "code", "transient"),
    [
        ("/open/nain", "noarch", "channel_not_found", False),
        ("/open/main", "win-64", "channel_not_found", False),
        ("/secret/main", "noarch", "channel_forbidden", False),
        ("/status/503/c", "noarch", "channel_unreachable", True),
        ("/open/broken", "noarch", "channel_unreachable", True),
        ("/open/main", "../main", "invalid_specification", False),
    ],
)
async def test_failure_tells_what_is_wrong_with_which_channel(
    world: Path, server: UnfriendlyServer, tmp_path: Path, place: str, subdir: str, code: str, transient: bool
) -> None:
    broken = world / "broken" / "noarch" / "repodata.json"
    broken.parent.mkdir(parents=True, exist_ok=True)
    broken.write_text('{"packages": {"a-1-0.tar.bz2": {"name": ')
    with pytest.raises(StageFailure) as raised:
        await an_indexer(tmp_path).index(f"{server.url}{place}", subdir)
    assert (raised.value.cause, raised.value.transient) == (code, transient)
    assert (place in raised.value.detail) == (code != "invalid_specification")


async def test_credential_is_shown_to_its_channel_and_kept_nowhere(server: UnfriendlyServer, tmp_path: Path) -> None:
    channel = f"{server.url}/secret/main"
    credentials = {"team": {"address": channel, "authorization": server.authorization}}
    index = await an_indexer(tmp_path, credentials=credentials).index(channel, "noarch")
    assert "flask" in names_in(index)
    secret = server.authorization.rpartition(" ")[2].encode()
    files = [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]
    assert files
    assert not [path for path in files if secret in path.read_bytes()]


async def test_silent_channel_is_given_up_at_the_deadline(server: UnfriendlyServer, tmp_path: Path) -> None:
    with pytest.raises(StageFailure) as raised:
        await an_indexer(tmp_path, timeout=2.0).index(f"{server.url}/silent/c", "noarch")
    assert raised.value.cause == "timeout"
