"""Packages made to do harm: each is refused or contained, named in its build's log, and builds beside it go on."""

import asyncio
import hashlib
import io
import os
import stat
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pytest

from conda_store_shared.conda.package_check import PackageLimits
from conda_store_shared.contracts import events
from conda_store_shared.testing.hostile_packages import (
    FORMATS,
    HostilePackage,
    Member,
    bombs,
    contained_packages,
    refused_packages,
)
from tests.integration.builder.conftest import PLATFORM, Builder, TinyPackage, Workbench, lockfile_of

WHOLE = TinyPackage(name="whole", files={"share/whole": b"whole"})


@pytest.fixture
def outside(bench: Workbench) -> Path:
    """A directory that nothing is to be written to, or read from."""
    directory = bench.root / "outside"
    directory.mkdir()
    (directory / "secret").write_text("secret")
    return directory


def entry(bench: Workbench, package: HostilePackage, ending: str) -> dict[str, Any]:
    return {**package.locked(package.write(bench.root / "bad", ending)), "platform": PLATFORM}


def seen(bench: Workbench) -> list[str]:
    """All that is neither in the cache, in a prefix nor what this test wrote."""
    own = {"bad", "tiny", "objects"}
    found = [path for path in bench.root.rglob("*") if path.relative_to(bench.root).parts[0] not in own]
    return sorted(str(path.relative_to(bench.root)) for path in found if "escaped" in path.name)


def cached(bench: Workbench) -> list[str]:
    caches = (bench.store_directory / ".cache/packages").glob("*/*")
    views = (bench.store_directory / ".cache/packages").glob("*/.view-*/*")
    return sorted(path.name for path in (*caches, *views) if path.is_dir() and "bad-" in path.name)


@pytest.mark.parametrize("ending", FORMATS)
async def test_package_that_would_do_harm_is_refused_and_named_and_a_build_beside_it_goes_on(
    bench: Workbench, builder: Builder, outside: Path, ending: str
) -> None:
    packages = refused_packages(outside)
    if ending != ".conda":
        packages = {name: package for name, package in packages.items() if not package.damage.startswith("no-")}
    requests = {
        name: await bench.request(lockfile_of(bench.tiny(WHOLE), entry(bench, package, ending)))
        for name, package in packages.items()
    }
    good = await bench.request(lockfile_of(bench.tiny(WHOLE)))
    *outcomes, beside = await asyncio.gather(*map(builder.install, requests.values()), builder.install(good))
    told = {
        name: (getattr(outcome, "code", outcome), packages[name].name in getattr(outcome, "detail", ""))
        for name, outcome in zip(requests, outcomes, strict=True)
    }
    assert told == dict.fromkeys(packages, ("invalid_package", True))
    assert isinstance(beside, events.PrefixBuilt)
    assert [name for name, package in packages.items() if package.name not in builder.ledger.log()] == []
    assert [request.build_key for request in requests.values() if bench.path_of(request).exists()] == []
    assert (seen(bench), cached(bench), bench.hidden()) == ([], [], [])
    assert os.listdir(outside) == ["secret"]
    await builder.built(await bench.request(lockfile_of(bench.tiny(WHOLE))))


@pytest.mark.parametrize("ending", FORMATS)
async def test_package_that_is_strange_is_contained(bench: Workbench, builder: Builder, ending: str) -> None:
    for package in contained_packages().values():
        request = await bench.request(lockfile_of(entry(bench, package, ending)))
        await builder.built(request)
        modes = [path.lstat().st_mode for path in bench.path_of(request).rglob("*")]
        assert [mode for mode in modes if mode & (stat.S_ISUID | stat.S_ISGID)] == []
        assert {stat.S_IFMT(mode) for mode in modes} <= {stat.S_IFREG, stat.S_IFDIR, stat.S_IFLNK}
    assert seen(bench) == []


@pytest.mark.parametrize("ending", FORMATS)
async def test_package_that_grows_without_end_is_stopped(bench: Workbench, ending: str) -> None:
    async with bench.builder(limits=PackageLimits(bytes=4 * 2**20, files=1_000)) as builder:
        for package in bombs().values():
            failure = await builder.failed(await bench.request(lockfile_of(entry(bench, package, ending))))
            assert failure.code == "invalid_package", failure
            assert package.name in failure.detail
            assert "CondaStoreWorker.package_max_" in failure.detail
        await builder.built(await bench.request(lockfile_of(bench.tiny(WHOLE))))
    names = [path.name for path in (bench.store_directory / ".cache").rglob("*") if path.is_dir()]
    assert [name for name in names if "bomb-" in name or ".refused-" in name] == []


async def test_package_is_refused_again_when_it_was_refused_before(
    bench: Workbench, builder: Builder, outside: Path
) -> None:
    package = entry(bench, refused_packages(outside)["lists-dotdot"], ".conda")
    for _ in range(2):
        failure = await builder.failed(await bench.request(lockfile_of(package)))
        assert failure.code == "invalid_package", failure


@pytest.mark.parametrize("is_cached", [False, True])
async def test_packages_whose_links_lead_out_together_are_refused(
    bench: Workbench, builder: Builder, is_cached: bool
) -> None:
    def link(name: str, path: str, target: str) -> HostilePackage:
        return HostilePackage(name=name, members=(Member(name=path, kind=tarfile.SYMTYPE, link=target),))

    packages = [
        link("odd-shallow", "p", "."),
        link("odd-climbing", "p/q/l", "../../escaped"),
        HostilePackage(name="odd-file", members=(Member(name="p/q/l/file", content=b"x"),)),
    ]
    entries = [entry(bench, package, ".conda") for package in packages]
    if is_cached:
        for each in entries:
            await builder.built(await bench.request(lockfile_of(each)))
    failure = await builder.failed(await bench.request(lockfile_of(*entries)))
    assert failure.code == "invalid_package"
    assert "by way of p" in failure.detail
    assert seen(bench) == []
    # Each alone does no harm.
    await builder.built(await bench.request(lockfile_of(entries[1])))


@pytest.mark.parametrize(
    "change",
    [
        {"name": "../evil"},
        {"version": "1.0/../../x"},
        {"build": "../../../x"},
        {"build": ".."},
        {"name": "bad\nname"},
        {"url": "file:///somewhere/linux-64/whole-1.0-%2e%2e%2f%2e%2e%2fx.conda"},
        {"url": "file:///somewhere/%2e%2e%2f%2e%2e/whole-1.0-0.conda"},
        {"url": "file:///somewhere/linux-64/whole-1.0-0.conda\n"},
    ],
)
async def test_lock_entry_that_would_lead_elsewhere_is_refused(
    bench: Workbench, builder: Builder, change: dict[str, str]
) -> None:
    request = await bench.request(lockfile_of({**bench.tiny(WHOLE), **change}))
    failure = await builder.failed(request)
    assert (failure.code, failure.transient) == ("invalid_lockfile", False)
    assert seen(bench) == []


def wheel(bench: Workbench, files: dict[str, bytes], entry_points: str = "") -> dict[str, Any]:
    """A wheel of these files, in a lockfile."""
    content = io.BytesIO()
    own = {
        "bad.py": b"",
        "bad-1.0.dist-info/METADATA": b"Metadata-Version: 2.1\nName: bad\nVersion: 1.0\n",
        "bad-1.0.dist-info/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        "bad-1.0.dist-info/entry_points.txt": f"[console_scripts]\n{entry_points}\n".encode(),
        "bad-1.0.dist-info/RECORD": b"../../../../../escaped-record,,\n",
    }
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in (own | files).items():
            archive.writestr(name, text)
    digest = hashlib.sha256(content.getvalue()).hexdigest()
    path = bench.root / "bad" / digest / "bad-1.0-py3-none-any.whl"
    path.parent.mkdir(parents=True)
    path.write_bytes(content.getvalue())
    return {
        "name": "bad", "version": "1.0", "manager": "pip", "platform": PLATFORM, "url": path.as_uri(),
        "dependencies": {}, "hash": {"sha256": digest},
    }  # fmt: skip


async def test_wheel_that_would_do_harm_is_refused_or_contained(bench: Workbench) -> None:
    escapes = {
        "../../../../../escaped": b"x",
        f"{bench.root}/escaped": b"x",
        "bad-1.0.data/scripts/../../../escaped": b"#!python\n",
        "bad-1.0.data/data/../../escaped": b"x",
        "../../../share/whole": b"changed",
    }
    wheels = {
        "escapes": wheel(bench, escapes),
        "entry point": wheel(bench, {}, "../../../escaped = os:getcwd"),
        "entry point of shell": wheel(bench, {}, "escaped = os:getcwd;import os"),
        "bomb": wheel(bench, {"bad/big": bytes(132 * 2**20)}),
    }
    conda = [*(await bench.lock("python"))["package"], bench.tiny(WHOLE)]
    async with bench.builder(limits=PackageLimits(bytes=128 * 2**20, files=100_000)) as builder:
        outcomes = {}
        for name, package in wheels.items():
            outcome = await builder.install(await bench.request(lockfile_of(*conda, package)))
            outcomes[name] = getattr(outcome, "code", "built")
            assert outcomes[name] == "built" or "bad" in outcome.detail  # type: ignore[attr-defined]
        await builder.built(await bench.request(lockfile_of(*conda)))
    assert {outcomes[name] for name in ("entry point", "entry point of shell")} == {"pip_failed"}
    assert outcomes["bomb"] == "invalid_package"
    assert set(outcomes.values()) <= {"built", "pip_failed", "invalid_package"}
    # A name that has lost what led away is a name of the package's own.
    assert [path for path in seen(bench) if not path.startswith(("state/.cache/uv/", "state/ns/0"))] == []
    (cache,) = bench.store_directory.glob(".cache/packages/*/whole-1.0-*/share/whole")
    assert cache.read_text() == "whole"
