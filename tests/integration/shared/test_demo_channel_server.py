"""The channel over HTTP: validators on every answer, so that caches of repodata neither break nor go stale."""

import asyncio
import json
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
from rattler.index import index_fs

from conda_store_shared.testing.demo_channel import DemoChannel
from conda_store_shared.testing.demo_channel.conda_archive import CondaPackage, write_conda_archive
from conda_store_shared.testing.demo_channel.server import ChannelServer

CLIENT = Path(__file__).with_name("demo_channel_client.py")
SHARDS = "noarch/repodata_shards.msgpack.zst"


def solve(channel: str, cache: Path, spec: str) -> list[str]:
    """Names and versions of the solution, found by a process of its own."""
    order: dict[str, Any] = {"channel": channel, "specs": [spec], "cache": str(cache), "prefix": None}
    order |= {"platforms": ["noarch"], "virtual_packages": {}}
    answer = subprocess.run(
        [sys.executable, CLIENT, json.dumps(order)], capture_output=True, text=True, check=False, timeout=60
    )
    assert answer.returncode == 0, answer.stderr
    return [f"{record['name']} {record['version']}" for record in json.loads(answer.stdout)]


@pytest.mark.parametrize("path", ["noarch/repodata.json", "noarch/repodata.json.zst", SHARDS])
def test_server_answers_unchanged_with_validators_when_asked_again(
    demo_channel_server: ChannelServer, path: str
) -> None:
    first = httpx.get(f"{demo_channel_server.url}/{path}")
    again = httpx.get(first.url, headers={"If-None-Match": first.headers["ETag"]})
    assert (first.status_code, again.status_code) == (200, 304)
    for answer in (first, again):
        assert answer.headers["ETag"] == first.headers["ETag"]
        assert answer.headers["Cache-Control"] == "max-age=0"


def test_server_says_not_found_for_what_is_not_there(demo_channel_server: ChannelServer) -> None:
    assert httpx.get(f"{demo_channel_server.url}/linux-64/absent.conda").status_code == 404
    assert (
        httpx.get(demo_channel_server.url.replace("demo-channel", "other") + "/noarch/repodata.json").status_code == 404
    )


def test_client_asks_again_and_is_told_that_nothing_changed(demo_channel: DemoChannel, tmp_path: Path) -> None:
    with ChannelServer(demo_channel.path) as server:
        assert solve(server.url, tmp_path, "demo-versions") == ["demo-versions 2.0"]
        seen = len(server.requests)
        assert solve(server.url, tmp_path, "demo-versions") == ["demo-versions 2.0"]
        statuses = {request.path.rpartition("/")[2]: request.status for request in list(server.requests)[seen:]}
    assert statuses["repodata_shards.msgpack.zst"] == 304


def test_client_sees_a_new_package_at_once(demo_channel: DemoChannel, tmp_path: Path) -> None:
    channel = tmp_path / "channel"
    channel.mkdir()
    for archive in (demo_channel.path / "noarch").glob("demo-*.conda"):
        (channel / "noarch").mkdir(exist_ok=True)
        shutil.copy2(archive, channel / "noarch")
    asyncio.run(index_fs(channel, write_zst=True, write_shards=True))
    with ChannelServer(channel) as server:
        assert solve(server.url, tmp_path / "cache", "demo-versions") == ["demo-versions 2.0"]
        newer = CondaPackage(name="demo-versions", version="3.0", build="0", subdir="noarch", noarch="generic")
        write_conda_archive(newer, channel)
        asyncio.run(index_fs(channel, write_zst=True, write_shards=True))
        assert solve(server.url, tmp_path / "cache", "demo-versions") == ["demo-versions 3.0"]


def test_command_serves_until_it_is_told_to_stop(demo_channel: DemoChannel) -> None:
    command = [sys.executable, "-m", "conda_store_shared.testing.demo_channel", "serve", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        line = next(line for line in process.stdout if "serving" in line)
        found = re.search(r"http://127\.0\.0\.1:\d+/demo-channel", line)
        assert found is not None
        assert httpx.get(f"{found.group()}/noarch/repodata.json").status_code == 200
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=20) in (0, -signal.SIGTERM)
