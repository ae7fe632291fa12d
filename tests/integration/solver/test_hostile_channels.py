"""Channels whose repodata is not what it should be: the build is told which channel, others solve beside it."""

import json
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from conda_store_shared.domain.lockfile import Lockfile
from conda_store_shared.errors import StageFailure
from conda_store_shared.testing.tiny_channel import UnfriendlyServer

pytestmark = pytest.mark.asyncio(loop_scope="session")
Solve = Callable[..., Coroutine[Any, Any, Lockfile]]

RECORD: dict[str, Any] = {
    "name": "thing", "version": "1.0", "build": "0", "build_number": 0, "depends": [], "subdir": "noarch",
    "noarch": "generic", "md5": "0" * 32, "sha256": "0" * 64, "size": 10, "timestamp": 1767225600000,
}  # fmt: skip
FILE = "thing-1.0-0.conda"


def repodata(file_name: str = FILE, info: dict[str, Any] | None = None, **record: Any) -> bytes:
    content = {
        "info": {"subdir": "noarch", **(info or {})},
        "packages": {},
        "packages.conda": {file_name: RECORD | record},
        "repodata_version": 2,
    }
    return json.dumps(content).encode()


# What is published, and the cause that is told of it.
CHANNELS = {
    "depends": (repodata(depends="python"), "invalid_channel"),
    "name": (repodata(name=7), "invalid_channel"),
    "other-name": (repodata(name="../../evil"), "unsatisfiable"),
    "version": (repodata(version="../../evil"), "invalid_channel"),
    "build": (repodata(build="../../evil"), "invalid_package"),
    "digest": (repodata(md5="nonsense"), "invalid_channel"),
    "number": (repodata(build_number=10**40), "invalid_channel"),
    "size": (repodata(size=-1), "invalid_channel"),
    "file-name": (repodata("../../../evil/thing-1.0-0.conda"), "invalid_channel"),
    "other-file": (repodata("another-2.0-0.conda"), "unsatisfiable"),
    "address": (repodata("http://elsewhere.example/noarch/thing-1.0-0.conda"), "invalid_channel"),
    "base-on-disk": (repodata(info={"base_url": "file:///etc/"}), "invalid_package"),
    "base-climbing": (repodata(info={"base_url": "../../../../"}), "invalid_package"),
    "list": (b"[]", "invalid_channel"),
    "packages-list": (b'{"info": {"subdir": "noarch"}, "packages": [], "repodata_version": 2}', "invalid_channel"),
    "no-text": (b'{"info": {"subdir": "noarch"}, "packages.conda": {"\xff\xfe": {}}}', "invalid_channel"),
    "no-json": (b"<html>", "invalid_channel"),
    "twice": (repodata()[:-1] + b', "packages.conda": {}}', "invalid_channel"),
    "deep": (b'{"packages": ' + b"[" * 100_000, "invalid_channel"),
}


def write(channel: Path, content: bytes) -> None:
    (channel / "noarch").mkdir(parents=True)
    (channel / "noarch/repodata.json").write_bytes(content)


async def test_solve_says_what_is_wrong_with_a_channel_and_others_go_on(
    solve: Solve, server: UnfriendlyServer, world: Path
) -> None:
    told = {}
    for name, (content, _) in CHANNELS.items():
        write(world / f"hostile-{name}", content)
        with pytest.raises(StageFailure) as failure:
            await solve("thing", channels=(f"{server.url}/open/hostile-{name}",))
        told[name] = str(failure.value.cause)
        assert not failure.value.transient
        assert "thing" in failure.value.detail or f"hostile-{name}" in failure.value.detail
    assert told == {name: cause for name, (_, cause) in CHANNELS.items()}
    assert (await solve("flask")).packages


async def test_package_lies_where_its_channel_is_whatever_address_its_record_names(
    solve: Solve, server: UnfriendlyServer, world: Path
) -> None:
    write(world / "hostile-url", repodata(url="file:///etc/passwd", channel="file:///etc"))
    lockfile = await solve("thing", channels=(f"{server.url}/open/hostile-url",))
    assert [package.url for package in lockfile.packages] == [f"{server.url}/open/hostile-url/noarch/{FILE}"]
