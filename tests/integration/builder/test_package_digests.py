"""A package is compared with the sha256 that the lockfile has of it, else with the md5; nothing of another is kept."""

import hashlib
import http.server
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.integration.builder.conftest import PLATFORM, Builder, TinyPackage, Workbench, lockfile_of


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    """Serves a directory without a word."""

    def log_message(self, *_arguments: Any) -> None:
        pass


@pytest.fixture
def address(bench: Workbench) -> Iterator[str]:
    """Address of the channel of tiny packages, by HTTP."""
    (bench.root / "tiny").mkdir(exist_ok=True)
    handler = partial(QuietHandler, directory=str(bench.root / "tiny"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def written(bench: Workbench, name: str) -> Path:
    TinyPackage(name=name, files={f"share/{name}": b"content"}).write(bench.root / "tiny")
    return bench.root / "tiny" / PLATFORM / f"{name}-1.0-0.tar.bz2"


def locked(path: Path, base: str, **digests: str) -> dict[str, Any]:
    return lockfile_of(
        {
            "name": path.name.partition("-1.0")[0],
            "version": "1.0",
            "manager": "conda",
            "platform": PLATFORM,
            "dependencies": {},
            "url": f"{base}/{PLATFORM}/{path.name}",
            "hash": digests,
            "category": "main",
            "optional": False,
        }
    )


def traces(bench: Workbench, name: str) -> list[Path]:
    """What is left of a package below the directory of prefixes, its caches included."""
    return [path for path in bench.store_directory.rglob("*") if name in path.name]


def digests_of(path: Path) -> dict[str, str]:
    content = path.read_bytes()
    return {"md5": hashlib.md5(content).hexdigest(), "sha256": hashlib.sha256(content).hexdigest()}


@pytest.mark.parametrize("by", ["http", "file"])
@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("wrong-md5", {"md5": "0" * 32}),
        ("wrong-sha256", {"sha256": "0" * 64}),
        ("wrong-sha256-of-two", {"md5": "", "sha256": "0" * 64}),
    ],
)
async def test_builder_says_hash_mismatch_and_keeps_nothing_when_the_better_digest_is_wrong(
    bench: Workbench, builder: Builder, address: str, by: str, name: str, wrong: dict[str, str]
) -> None:
    path = written(bench, f"{name}-by-{by}")
    right = digests_of(path)
    digests = {algorithm: digest or right[algorithm] for algorithm, digest in wrong.items()}
    base = address if by == "http" else f"file://{bench.root}/tiny"
    request = await bench.request(locked(path, base, **digests))
    failure = await builder.failed(request)
    assert (failure.code, failure.transient) == ("hash_mismatch", False)
    assert path.name in failure.detail
    assert traces(bench, f"{name}-by-{by}") == []
    assert not bench.path_of(request).exists()


@pytest.mark.parametrize("by", ["http", "file"])
async def test_builder_takes_either_digest_in_capitals_or_not(
    bench: Workbench, builder: Builder, address: str, by: str
) -> None:
    base = address if by == "http" else f"file://{bench.root}/tiny"
    for name, algorithms in (("md5-only", ["md5"]), ("sha256-only", ["sha256"]), ("two", ["md5", "sha256"])):
        path = written(bench, f"{name}-in-capitals-by-{by}")
        digests = {algorithm: digests_of(path)[algorithm].upper() for algorithm in algorithms}
        record = await builder.built(await bench.request(locked(path, base, **digests)))
        assert [package.name for package in record.packages] == [f"{name}-in-capitals-by-{by}"]
