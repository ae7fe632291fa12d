"""The builder installs what a lockfile says, on real packages."""

import json
import os
import socket
from dataclasses import replace
from pathlib import Path

import conda_pack
import rattler

from conda_store_shared.contracts import events
from conda_store_shared.testing.demo_channel.conda_archive import PLACEHOLDER
from conda_store_shared.testing.demo_channel.placeholder_packages import BINARY_FOOTER, BINARY_HEADER
from tests.integration.builder.conftest import Builder, TinyPackage, Workbench, lockfile_of, run


async def test_builder_makes_a_prefix_that_works(bench: Workbench, builder: Builder) -> None:
    request = await bench.request(await bench.lock("python", "numpy", "flask"))
    record = await builder.built(request)
    prefix = bench.path_of(request)
    code = "import numpy, flask, ssl, sqlite3, sys; print(sys.prefix, int(numpy.ones(3).sum()))"
    assert run(prefix / "bin/python", "-c", code).split() == [str(prefix), "3"]
    assert run(prefix / "bin/flask", "--version").startswith("Python")
    assert record.path == str(prefix)
    assert {"python", "numpy", "flask"} <= {package.name for package in record.packages}


async def test_builder_leaves_no_mention_of_attempt_or_cache(bench: Workbench, builder: Builder) -> None:
    request = await bench.request(await bench.lock("python", "demo-prefix", "demo-link-script"))
    await builder.built(request)
    for word in (".attempt-", f"{bench.store_directory}/.cache"):
        assert run("grep", "-rl", word, bench.path_of(request), check=False) == ""
    assert bench.hidden() == []


async def test_builder_patches_the_final_path_into_text_and_binaries(bench: Workbench, builder: Builder) -> None:
    request = await bench.request(await bench.lock("demo-prefix"))
    await builder.built(request)
    prefix = bench.path_of(request)
    share = prefix / "share/demo-prefix"
    assert (share / "text.conf").read_text() == f"root = {prefix}/share/demo-prefix\nagain = {prefix}\n"
    padding = b"\0" * (len(PLACEHOLDER) - len(str(prefix)))
    binary = (share / "binary.dat").read_bytes()
    assert binary == BINARY_HEADER + str(prefix).encode() + BINARY_FOOTER[:5] + padding + BINARY_FOOTER[5:]
    assert run(prefix / "bin/demo-prefix") == (share / "text.conf").read_text()


async def test_builder_takes_lockfiles_without_build_strings_when_conda_lock_made_them(
    bench: Workbench, builder: Builder
) -> None:
    lockfile = await bench.lock("python", "flask", with_build=False)
    record = await builder.built(await bench.request(lockfile))
    assert all(package.build for package in record.packages)


async def test_builder_records_what_packages_tell_of_themselves(bench: Workbench, builder: Builder) -> None:
    request = await bench.request(await bench.lock("python", "flask", "demo-text"))
    record = await builder.built(request)
    by_name = {package.name: package for package in record.packages}
    flask, python = by_name["flask"], by_name["python"]
    assert flask.channel == bench.channel
    assert flask.subdir == "noarch"
    assert flask.timestamp
    assert any(constraint.startswith("werkzeug") for constraint in flask.depends)
    assert all(package.size > 0 and package.sha256 and package.md5 for package in record.packages)
    assert python.summary
    written = json.loads(next((bench.path_of(request) / "conda-meta").glob("flask-*.json")).read_text())
    assert written["noarch"] == "python"
    assert written["link"]["source"] == ""


async def test_builder_counts_bytes_as_du_does_when_a_prefix_is_whole(bench: Workbench, builder: Builder) -> None:
    files = {"share/a.bin": os.urandom(100_000), "share/b.bin": os.urandom(50_000)}
    request = await bench.request(lockfile_of(bench.tiny(TinyPackage(name="sized", files=files))))
    record = await builder.built(request)
    du = int(run("/usr/bin/du", "--summarize", "--apparent-size", "--block-size=1", bench.path_of(request)).split()[0])
    marker = (bench.path_of(request) / "conda-meta/conda-store").stat().st_size
    assert record.apparent_bytes == du - marker
    # Where the volume can share blocks, files are not links, and their bytes count as the prefix's own.
    linked = sum(len(content) for name, content in files.items() if (bench.path_of(request) / name).stat().st_nlink > 1)
    assert record.unique_bytes == record.apparent_bytes - linked


async def test_builder_reports_progress_and_what_it_does(bench: Workbench, builder: Builder) -> None:
    request = await bench.request(await bench.lock("python"))
    await builder.built(request)
    # What is finished within half a second needs no progress; the log tells all the same.
    assert "installing" in builder.ledger.log()
    assert "the prefix is whole" in builder.ledger.log()
    assert [fact.stage for fact in builder.ledger.all_of(events.StageStarted)] == ["prefix"]


async def test_builder_only_tells_again_when_the_prefix_is_whole_already(bench: Workbench, builder: Builder) -> None:
    request = await bench.request(await bench.lock("demo-prefix"))
    record = await builder.built(request)
    calls, marker = builder.pool.stats().calls, bench.path_of(request) / "conda-meta/conda-store"
    before = marker.stat()
    assert await builder.built(request) == record
    assert builder.pool.stats().calls == calls
    assert marker.stat() == before


async def test_builder_installs_anew_when_the_prefix_there_is_of_another_lockfile(
    bench: Workbench, builder: Builder
) -> None:
    first = await bench.request(await bench.lock("demo-versions=1.0"))
    await builder.built(first)
    digest = await bench.put_lockfile(first.build_key, await bench.lock("demo-versions=2.0"))
    await builder.built(replace(first, lockfile_digest=digest))
    assert (bench.path_of(first) / "share/demo-versions/version.txt").read_text() == "2.0\n"
    assert bench.hidden() == []


async def test_builder_installs_anew_when_the_prefix_there_is_damaged(bench: Workbench, builder: Builder) -> None:
    request = await bench.request(await bench.lock("demo-text"))
    record = await builder.built(request)
    meta = next((bench.path_of(request) / "conda-meta").glob("*.json"))
    meta.write_text("")
    assert (await builder.built(request)).packages == record.packages
    assert meta.read_text()


async def test_builder_replaces_a_prefix_that_nobody_finished(bench: Workbench, builder: Builder) -> None:
    request = await bench.request(await bench.lock("demo-text"))
    broken = bench.path_of(request) / "share/left-over"
    broken.parent.mkdir(parents=True)
    broken.write_text("half")
    await builder.built(request)
    assert not broken.exists()
    assert bench.hidden() == []


async def test_builder_makes_an_empty_prefix_when_nothing_is_locked(bench: Workbench, builder: Builder) -> None:
    record = await builder.built(await bench.request(lockfile_of()))
    assert record.packages == ()
    assert (Path(record.path) / "conda-meta/history").exists()


async def test_prefix_can_be_read_by_tools_when_it_is_whole(bench: Workbench, builder: Builder) -> None:
    request = await bench.request(await bench.lock("demo-prefix", "demo-text"))
    await builder.built(request)
    prefix = bench.path_of(request)
    packed = conda_pack.CondaEnv.from_prefix(str(prefix), on_missing_cache="ignore")
    assert "share/demo-prefix/text.conf" in {file.target for file in packed}
    await rattler.install(await bench.solve("demo-text"), prefix, cache_dir=bench.root / "cache", show_progress=False)
    assert not (prefix / "share/demo-prefix").exists()


async def test_builder_does_not_wait_for_an_install_that_stands_still(bench: Workbench, builder: Builder) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}/x/stuck-1.0-0.tar.bz2"
        stuck = bench.tiny(TinyPackage(name="stuck")) | {"url": address}
        await builder.send(await bench.request(lockfile_of(stuck)))
        record = await builder.built(await bench.request(await bench.lock("demo-prefix")))
    assert [package.name for package in record.packages] == ["demo-prefix"]
