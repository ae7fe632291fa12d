"""Each way an install can fail has its cause, its words, and leaves nothing behind."""

import http.server
import os
import shutil
import threading
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from conda_store_shared.contracts import events
from conda_store_shared.domain.artifact import ArtifactType
from conda_store_shared.domain.storage_keys import artifact_key, canceled_key, order_key
from tests.integration.builder.conftest import PLATFORM, Builder, TinyPackage, Workbench, lockfile_of, run


class FaultyChannel(http.server.SimpleHTTPRequestHandler):
    """A channel below ``/ok/``, one that wants a token below ``/private/``; ``/<status>/`` and ``/cut/`` are faulty."""

    def do_GET(self) -> None:
        _, mode, rest = self.path.split("/", 2)
        if mode.isdigit():
            self.send_error(int(mode))
        elif mode == "private" and self.headers.get("Authorization") != "Bearer hidden-token":
            self.send_error(401)
        elif mode == "cut":
            self.send_response(200)
            self.send_header("Content-Length", "1000")
            self.end_headers()
            self.wfile.write(b"short")
        else:
            self.path = f"/{rest}"
            super().do_GET()

    def log_message(self, *_arguments: Any) -> None:
        pass


@pytest.fixture
def faulty(bench: Workbench) -> Iterator[str]:
    """Its address, credentials and all."""
    directory = bench.root / "tiny"
    directory.mkdir()
    handler = partial(FaultyChannel, directory=directory)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield f"http://someone:hidden@127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def served(bench: Workbench, base: str, mode: str) -> dict[str, Any]:
    """A lockfile of one package that is fetched from the faulty channel."""
    package = TinyPackage(name="served", files={"share/served": b"content"})
    package.write(bench.root / "tiny")
    path = bench.root / "tiny" / PLATFORM / "served-1.0-0.tar.bz2"
    return lockfile_of(package.locked(path, f"{base}/{mode}/{PLATFORM}/{path.name}"))


@pytest.fixture
async def impatient(bench: Workbench) -> Any:
    """A builder that does not retry."""
    async with bench.builder(deadline=0.01) as builder:
        yield builder


def left_nothing(bench: Workbench, request: events.BuildEvent) -> bool:
    return not bench.path_of(request).exists() and bench.hidden() == []


@pytest.mark.parametrize(
    ("mode", "cause", "transient"),
    [
        ("401", "channel_forbidden", False),
        ("403", "channel_forbidden", False),
        ("404", "channel_not_found", False),
        ("500", "channel_unreachable", True),
        ("503", "channel_unreachable", True),
        ("429", "channel_unreachable", True),
        ("cut", "channel_unreachable", True),
    ],
)
async def test_builder_tells_the_cause_when_a_package_cannot_be_fetched(
    bench: Workbench, impatient: Builder, faulty: str, mode: str, cause: str, transient: bool
) -> None:
    request = await bench.request(served(bench, faulty, mode))
    failure = await impatient.failed(request)
    assert (failure.code, failure.transient) == (cause, transient)
    assert "served-1.0-0.tar.bz2" in failure.detail
    assert "hidden" not in failure.detail + impatient.ledger.log()
    assert left_nothing(bench, request)


async def test_builder_keeps_credentials_out_of_prefix_and_record_when_the_lockfile_has_them(
    bench: Workbench, builder: Builder, faulty: str
) -> None:
    request = await bench.request(served(bench, faulty, "ok"))
    record = await builder.built(request)
    assert b"hidden" not in record.to_bytes()
    assert "hidden" not in (bench.path_of(request) / "conda-meta/served-1.0-0.json").read_text()


async def test_builder_shows_a_channel_its_credential_and_writes_it_nowhere(bench: Workbench, faulty: str) -> None:
    address = faulty.replace("someone:hidden@", "")
    request = await bench.request(served(bench, address, "private"))
    credentials = {
        "right": {"address": f"{address}/private", "bearer": "hidden-token"},
        "wrong": {"address": f"{address}/pri", "bearer": "another"},
    }
    async with bench.builder(channel_credentials=credentials) as builder:
        await builder.built(request)
        assert "hidden" not in builder.ledger.log() + repr(builder.ledger.facts)
    assert run("grep", "-rl", "hidden-token", bench.root, check=False) == ""


async def test_builder_says_unreachable_when_nobody_listens(bench: Workbench, impatient: Builder) -> None:
    failure = await impatient.failed(await bench.request(served_nowhere(bench)))
    assert (failure.code, failure.transient) == ("channel_unreachable", True)


def served_nowhere(bench: Workbench) -> dict[str, Any]:
    (bench.root / "tiny").mkdir()
    return served(bench, "http://127.0.0.1:1", "ok")


async def test_builder_says_hash_mismatch_when_a_package_is_another(bench: Workbench, impatient: Builder) -> None:
    package = bench.tiny(TinyPackage(name="changed"))
    package["hash"]["sha256"] = "0" * 64
    request = await bench.request(lockfile_of(package))
    failure = await impatient.failed(request)
    assert (failure.code, failure.transient) == ("hash_mismatch", False)
    assert "changed-1.0-0.tar.bz2" in failure.detail
    assert left_nothing(bench, request)


async def test_builder_shows_the_output_when_a_link_script_fails(bench: Workbench, builder: Builder) -> None:
    request = await bench.request(await bench.lock("demo-link-script-failing", "demo-text"))
    failure = await builder.failed(request)
    assert (failure.code, failure.transient) == ("link_script_failed", False)
    assert "demo-link-script-failing 1.0 ended with status 3" in failure.detail
    assert "this script always fails" in builder.ledger.log()
    assert left_nothing(bench, request)


async def test_builder_runs_link_scripts_in_order_with_what_conda_gives_them(
    bench: Workbench, builder: Builder
) -> None:
    tell = 'echo "$PKG_NAME $PKG_VERSION $PKG_BUILDNUM" >> "$PREFIX/order"\n'
    tell += 'echo "hello from $PKG_NAME" >> "$PREFIX/.messages.txt"\n'
    names = {"aaa": ("bbb",), "bbb": ("ccc",), "ccc": ()}
    packages = [bench.tiny(TinyPackage(name=name, depends=needs, post_link=tell)) for name, needs in names.items()]
    request = await bench.request(lockfile_of(*packages))
    await builder.built(request)
    prefix = bench.path_of(request)
    assert (prefix / "order").read_text() == "ccc 1.0 0\nbbb 1.0 0\naaa 1.0 0\n"
    assert not (prefix / ".messages.txt").exists()
    assert "hello from ccc" in builder.ledger.log()


async def test_builder_refuses_when_the_path_is_too_long(bench: Workbench, builder: Builder) -> None:
    path = bench.store_directory / ("n" * (255 - len(str(bench.store_directory)))) / "key"
    failure = await builder.failed(await bench.request(lockfile_of(), path=str(path)))
    assert (failure.code, failure.transient) == ("prefix_too_long", False)
    assert failure.detail == "build_path too long: must be <= 255 characters"


async def test_builder_takes_a_path_of_255_characters(bench: Workbench, builder: Builder) -> None:
    filler = "n" * (255 - len(str(bench.store_directory)) - len("//key"))
    path = str(bench.store_directory / filler / "key")
    assert len(path) == 255
    request = await bench.request(await bench.lock("demo-prefix"), path=path)
    await builder.built(request)
    assert path.encode() in (Path(path) / "share/demo-prefix/binary.dat").read_bytes()


async def test_builder_says_input_missing_when_order_or_lockfile_are_gone_or_others(
    bench: Workbench, impatient: Builder
) -> None:
    for spoil in ("order", "lockfile", "order_digest", "lockfile_digest"):
        request = await bench.request(lockfile_of())
        if spoil == "order":
            await bench.store.delete(order_key(request.build_key))
        elif spoil == "lockfile":
            await bench.store.delete(artifact_key(ArtifactType.LOCKFILE, request.build_key))
        elif spoil == "order_digest":
            request = replace(request, order_digest="0" * 64)
        else:
            request = replace(request, lockfile_digest="0" * 64)
        failure = await impatient.failed(request)
        assert (failure.code, failure.transient) == ("input_missing", True), spoil


async def test_builder_refuses_when_the_lockfile_is_for_other_platforms(bench: Workbench, builder: Builder) -> None:
    failure = await builder.failed(await bench.request(lockfile_of(platforms=("osx-arm64", "win-64"))))
    assert (failure.code, failure.transient) == ("invalid_lockfile", False)
    assert "osx-arm64, win-64" in failure.detail


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"url": "https://example.org/nothing"}, "not the address of a conda package"),
        ({"version": "!!"}, "malformed version"),
        ({"hash": {"sha256": "zz"}}, "has a digest that is no sha256"),
    ],
)
async def test_builder_refuses_when_a_package_of_the_lockfile_makes_no_sense(
    bench: Workbench, builder: Builder, change: dict[str, Any], words: str
) -> None:
    package = bench.tiny(TinyPackage(name="odd")) | change
    failure = await builder.failed(await bench.request(lockfile_of(package)))
    assert (failure.code, failure.transient) == ("invalid_lockfile", False)
    assert words in failure.detail


async def test_builder_says_timeout_when_the_deadline_of_the_order_passes(bench: Workbench, builder: Builder) -> None:
    package = bench.tiny(TinyPackage(name="slow", post_link="sleep 60"))
    request = await bench.request(lockfile_of(package), deadline=1.5)
    failure = await builder.failed(request)
    assert failure.code == "timeout"
    assert left_nothing(bench, request)


async def test_builder_says_unavailable_when_the_volume_cannot_be_used(bench: Workbench, impatient: Builder) -> None:
    # A file where the directory should be fails for root, too.
    bench.store_directory.mkdir(exist_ok=True)
    (bench.store_directory / "ns").touch()
    failure = await impatient.failed(await bench.request(lockfile_of()))
    assert (failure.code, failure.transient) == ("storage_unavailable", True)
    assert "the volume of the prefixes cannot be used" in failure.detail


async def test_builder_does_not_begin_when_the_build_was_canceled(bench: Workbench, builder: Builder) -> None:
    request = await bench.request(lockfile_of())
    await bench.store.put(canceled_key(request.build_key), b"", "text/plain")
    await builder.send(request)
    await builder.built(await bench.request(lockfile_of()))
    assert builder.ledger.outcomes(request.build_id) == []
    assert not bench.path_of(request).exists()


async def cached_package(bench: Workbench, builder: Builder) -> tuple[dict[str, Any], Path]:
    """The lockfile of a package that has been installed, and where the cache has it."""
    package = TinyPackage(name="cached", files={"share/cached": b"content", "share/other": b"other"})
    lockfile = lockfile_of(package.write(bench.root / "tiny"))
    await builder.built(await bench.request(lockfile))
    (cached,) = bench.store_directory.glob(".cache/packages/*/cached-1.0-*")
    return lockfile, cached


@pytest.mark.parametrize("lost", ["share/cached", "info/paths.json", "info/conda-store.json", "."])
async def test_package_of_the_cache_is_fetched_again_when_something_of_it_is_gone(
    bench: Workbench, builder: Builder, lost: str
) -> None:
    lockfile, cached = await cached_package(bench, builder)
    if lost == ".":
        shutil.rmtree(cached)
    else:
        (cached / lost).unlink()
    request = await bench.request(lockfile)
    await builder.built(request)
    assert (bench.path_of(request) / "share/cached").read_bytes() == b"content"
    assert (cached / "share/cached").read_bytes() == b"content"
    assert bench.hidden() == []


async def test_package_of_the_cache_is_fetched_again_when_a_loss_of_power_left_it_empty(
    bench: Workbench, builder: Builder
) -> None:
    lockfile, cached = await cached_package(bench, builder)
    os.truncate(cached / "share/cached", 0)
    request = await bench.request(lockfile)
    async with bench.builder() as another:
        await another.built(request)
    assert (bench.path_of(request) / "share/cached").read_bytes() == b"content"
