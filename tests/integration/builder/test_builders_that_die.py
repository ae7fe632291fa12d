"""Builders and their children are killed, stopped and canceled: in the end the prefix is whole, or nothing is there."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from conda_store_builder.adapters.directory_lock import locked
from conda_store_builder.domain.prefix_path import lock_of
from conda_store_shared.contracts import events
from conda_store_shared.domain.whole_marker import WHOLE_MARKER
from tests.integration.builder.conftest import Builder, TinyPackage, Workbench, lockfile_of, run

CANCELED_WITHIN = 5.0


def gated(bench: Workbench, *, is_open: bool) -> dict[str, Any]:
    """A lockfile of a package whose link script says that it runs, and goes on when the gate is open."""
    script = 'touch "$PREFIX/reached"; while [ ! -e "$PREFIX/gate" ]; do sleep 0.02; done\n'
    files = {"share/text": b"text"} | ({"gate": b""} if is_open else {})
    package = TinyPackage(name="gated", files=files, post_link=script)
    return lockfile_of(bench.tiny(package))


async def until(condition: Any, seconds: float = 20) -> None:
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def busy_child(builder: Builder) -> int:
    await until(lambda: builder.pool.stats().busy)
    pid: int = builder.pool.stats().busy[0]
    return pid


async def stop(pid: int) -> None:
    """Returns when the process stands still, not just when it has been told to."""
    os.kill(pid, signal.SIGSTOP)
    await until(lambda: Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T")


def reached(bench: Workbench, request: events.BuildEvent) -> bool:
    return (bench.path_of(request) / "reached").exists()


@asynccontextmanager
async def held_lock(bench: Workbench, request: events.BuildEvent) -> AsyncIterator[None]:
    """Nobody can put this build's prefix into place meanwhile."""
    lock = lock_of(bench.path_of(request))
    lock.parent.mkdir(parents=True, exist_ok=True)
    with locked(lock, 0.0):
        yield


async def finishing(builder: Builder) -> int:
    """The child that is at the second half, waiting for the prefix's lock."""
    await until(lambda: builder.pool.stats().calls >= 2 and builder.pool.stats().busy)
    await asyncio.sleep(0.3)
    return await busy_child(builder)


async def assert_whole(bench: Workbench, request: events.BuildEvent) -> None:
    prefix = bench.path_of(request)
    assert (prefix / WHOLE_MARKER).exists()
    assert (prefix / "share/text").read_text() == "text"
    assert (await bench.record_of(request)).path == str(prefix)
    assert bench.hidden() == []


async def test_builder_completes_at_the_next_request_when_its_child_is_killed_before_the_rename(
    bench: Workbench, builder: Builder
) -> None:
    request = await bench.request(gated(bench, is_open=True))
    async with held_lock(bench, request):
        attempt = asyncio.ensure_future(builder.failed(request))
        os.kill(await finishing(builder), signal.SIGKILL)
        failure = await attempt
    assert (failure.code, failure.transient) == ("worker_lost", True)
    assert bench.hidden() == []
    await builder.built(request)
    await assert_whole(bench, request)


async def test_builder_completes_at_the_next_request_when_its_child_is_killed_in_a_link_script(
    bench: Workbench, builder: Builder
) -> None:
    request = await bench.request(gated(bench, is_open=False))
    attempt = asyncio.ensure_future(builder.failed(request))
    await until(lambda: reached(bench, request))
    os.kill(await busy_child(builder), signal.SIGKILL)
    assert (await attempt).code == "worker_lost"
    assert not bench.path_of(request).exists()
    again = asyncio.ensure_future(builder.built(request))
    await until(lambda: reached(bench, request))
    (bench.path_of(request) / "gate").touch()
    await again
    await assert_whole(bench, request)


async def test_builder_completes_at_the_next_request_when_its_child_is_killed_while_installing(
    bench: Workbench, builder: Builder
) -> None:
    lockfile = await bench.lock("python", "demo-prefix")
    for pause in (0.0, 0.1, 0.3):
        request = await bench.request(lockfile)
        attempt = asyncio.ensure_future(builder.install(request))
        pid = await busy_child(builder)
        await asyncio.sleep(pause)
        os.kill(pid, signal.SIGKILL)
        await attempt
        await builder.built(request)
        assert run(bench.path_of(request) / "bin/python", "-c", "import json; print(1)") == "1\n"
    assert bench.hidden() == []


async def test_two_builders_make_one_prefix_when_both_are_asked_at_once(bench: Workbench) -> None:
    async with bench.builder() as first, bench.builder() as second:
        for _ in range(3):
            request = await bench.request(await bench.lock("python", "demo-prefix"))
            records = await asyncio.gather(first.built(request), second.built(request))
            assert records[0] == records[1]
            assert bench.hidden() == []


async def test_builder_tells_of_the_other_prefix_when_it_was_stopped_while_another_finished(bench: Workbench) -> None:
    async with bench.builder() as sleeper, bench.builder() as other:
        request = await bench.request(gated(bench, is_open=True))
        async with held_lock(bench, request):
            asleep = asyncio.ensure_future(sleeper.built(request))
            pid = await finishing(sleeper)
            await stop(pid)
        record = await other.built(request)
        marker = (bench.path_of(request) / WHOLE_MARKER).stat()
        os.kill(pid, signal.SIGCONT)
        assert await asleep == record
        assert (bench.path_of(request) / WHOLE_MARKER).stat() == marker
    await assert_whole(bench, request)


async def test_builder_harms_nothing_when_it_wakes_after_its_prefix_was_discarded(bench: Workbench) -> None:
    async with bench.builder() as sleeper, bench.builder() as other:
        request = await bench.request(gated(bench, is_open=True))
        async with held_lock(bench, request):
            asleep = asyncio.ensure_future(sleeper.failed(request))
            pid = await finishing(sleeper)
            await stop(pid)
        await other.built(request)
        await other.send(
            events.PrefixDiscardRequested(
                build_id=request.build_id, build_key=request.build_key, path=str(bench.path_of(request))
            )
        )
        await until(lambda: not bench.path_of(request).exists())
        os.kill(pid, signal.SIGCONT)
        assert (await asleep).code == "canceled"
    assert not bench.path_of(request).exists()
    assert bench.hidden() == []


async def test_builder_is_free_within_five_seconds_when_a_build_is_canceled(bench: Workbench, builder: Builder) -> None:
    request = await bench.request(gated(bench, is_open=False))
    await builder.send(request)
    await until(lambda: reached(bench, request))
    pid = await busy_child(builder)
    started = asyncio.get_running_loop().time()
    await builder.send(events.BuildCanceled(build_id=request.build_id, build_key=request.build_key))
    await until(lambda: not Path(f"/proc/{pid}").exists(), CANCELED_WITHIN)
    await until(lambda: not bench.path_of(request).exists() and bench.hidden() == [], CANCELED_WITHIN)
    assert asyncio.get_running_loop().time() - started < CANCELED_WITHIN
    assert builder.ledger.outcomes(request.build_id) == []


async def test_builder_stops_before_the_rename_when_another_heard_that_the_build_is_canceled(bench: Workbench) -> None:
    async with bench.builder() as deaf, bench.builder() as other:
        request = await bench.request(gated(bench, is_open=False))
        async with held_lock(bench, request):
            attempt = asyncio.ensure_future(deaf.failed(request))
            await finishing(deaf)
            await other.send(events.BuildCanceled(build_id=request.build_id, build_key=request.build_key))
            await until(lambda: any((bench.store_directory / ".builder/canceled").glob("*")))
        assert (await attempt).code == "canceled"
    assert not bench.path_of(request).exists()
    assert bench.hidden() == []


async def test_builder_gives_work_up_and_leaves_nothing_when_it_stops(bench: Workbench) -> None:
    async with bench.builder() as builder:
        request = await bench.request(gated(bench, is_open=False))
        await builder.send(request)
        await until(lambda: reached(bench, request))
    assert not bench.path_of(request).exists()
    assert bench.hidden() == []


async def test_builder_tries_again_later_when_another_holds_the_prefix_for_long(bench: Workbench) -> None:
    request = await bench.request(lockfile_of(), deadline=2.0)
    async with bench.builder(deadline=0.01) as builder, held_lock(bench, request):
        failure = await builder.failed(request)
    assert (failure.code, failure.transient) == ("timeout", True)
    assert bench.hidden() == []


async def test_janitor_removes_old_half_extracted_packages_and_no_others(bench: Workbench) -> None:
    cache = bench.store_directory / ".cache/packages/any-any-any"
    old, new, package = cache / ".old-1.0-0abc", cache / ".new-1.0-0abc", cache / "whole-1.0-0"
    for directory in (old, new, package):
        directory.mkdir(parents=True)
    for directory in (old, package):
        os.utime(directory, (0, 0))
    async with bench.builder():
        await until(lambda: not old.exists())
    assert new.exists()
    assert package.exists()


async def test_janitor_takes_only_what_nobody_holds(bench: Workbench) -> None:
    namespace = bench.store_directory / "ns"
    async with bench.builder() as builder:
        whole = await bench.request(lockfile_of())
        await builder.built(whole)
    held, free = namespace / ".attempt-held-1", namespace / ".attempt-free-1"
    broken, imported, trash = namespace / "broken", namespace / "imported", namespace / ".trash-1"
    for directory in (held, free, broken, imported, trash):
        (directory / "conda-meta").mkdir(parents=True)
        (directory / "conda-meta").chmod(0o500)
    lock_of(broken).touch()
    with locked(namespace / ".attempt-held-1.lock", 0.0):
        async with bench.builder():
            await until(lambda: not (free.exists() or broken.exists() or trash.exists()))
        assert held.exists()
    # A prefix that no builder ever worked on is nobody's business.
    assert imported.exists()
    assert (bench.path_of(whole) / WHOLE_MARKER).exists()
    async with bench.builder():
        await until(lambda: not held.exists())
    assert not (namespace / ".attempt-held-1.lock").exists()
