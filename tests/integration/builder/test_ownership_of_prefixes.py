"""Prefixes have the owner and mode asked for, and no prefix changes through another or through the cache."""

import os
import stat
from pathlib import Path

import pytest

from tests.integration.builder.conftest import Builder, TinyPackage, Workbench, lockfile_of

GENEROUS = TinyPackage(
    name="generous",
    files={"share/writable": b"writable\n", "bin/tool": b"#!/bin/sh\n", "share/private": b"private\n"},
    modes={"share/writable": 0o666, "bin/tool": 0o775, "share/private": 0o600},
)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


def regular_files(root: Path) -> list[Path]:
    return [path for path in root.rglob("*") if path.is_file() and not path.is_symlink()]


@pytest.mark.parametrize(
    ("permissions", "directory", "file", "program"),
    [("775", 0o775, 0o644, 0o755), ("750", 0o750, 0o640, 0o750), ("700", 0o700, 0o600, 0o700)],
)
async def test_prefix_has_the_mode_of_the_order(
    bench: Workbench, builder: Builder, permissions: str, directory: int, file: int, program: int
) -> None:
    request = await bench.request(lockfile_of(bench.tiny(GENEROUS)), permissions=permissions)
    await builder.built(request)
    prefix = bench.path_of(request)
    assert {mode(path) for path in (prefix, prefix / "share", prefix / "conda-meta")} == {directory}
    assert {mode(prefix / "share/writable"), mode(prefix / "share/private")} == {file}
    assert mode(prefix / "bin/tool") == program
    assert {mode(path) for path in (prefix / "conda-meta").iterdir()} == {file}


async def test_prefix_keeps_modes_but_group_write_when_the_order_names_none(bench: Workbench, builder: Builder) -> None:
    request = await bench.request(lockfile_of(bench.tiny(GENEROUS)))
    await builder.built(request)
    prefix = bench.path_of(request)
    found = [mode(prefix / name) for name in ("share/writable", "bin/tool", "share/private")]
    assert found == [0o644, 0o755, 0o600]


async def test_no_file_of_cache_or_prefix_can_be_written_by_others(bench: Workbench, builder: Builder) -> None:
    for permissions in ("777", None):
        request = await bench.request(
            {**await bench.lock("python"), "package": [bench.tiny(GENEROUS)]}, permissions=permissions
        )
        await builder.built(request)
    caches = bench.store_directory / ".cache/packages"
    assert len(list(caches.iterdir())) == 2
    for root in (bench.store_directory / "ns", *(package for cache in caches.iterdir() for package in cache.iterdir())):
        assert [path for path in regular_files(root) if mode(path) & 0o022] == []


async def test_prefixes_of_one_owner_share_files_and_those_of_others_do_not(bench: Workbench, builder: Builder) -> None:
    lockfile = lockfile_of(bench.tiny(GENEROUS))
    same = [await bench.request(lockfile, permissions="755") for _ in range(2)]
    other = await bench.request(lockfile, permissions="700")
    for request in (*same, other):
        await builder.built(request)
    first, second, third = (bench.path_of(request) / "share/writable" for request in (*same, other))
    assert (mode(first), mode(second), mode(third)) == (0o644, 0o644, 0o600)
    if first.stat().st_nlink > 1:
        assert first.stat().st_ino == second.stat().st_ino
    assert first.stat().st_ino != third.stat().st_ino


async def test_prefix_shares_no_file_when_copies_are_wanted(bench: Workbench, builder: Builder) -> None:
    request = await bench.request(await bench.lock("demo-prefix", "demo-text"), link_mode="copy")
    record = await builder.built(request)
    assert {path.stat().st_nlink for path in regular_files(bench.path_of(request))} == {1}
    assert record.unique_bytes == record.apparent_bytes


async def test_prefix_belongs_to_whom_the_order_names_as_far_as_the_builder_may(
    bench: Workbench, builder: Builder
) -> None:
    """Only root gives files away; anybody else keeps them, and the build completes."""
    uid, gid = (4242, 4343) if os.geteuid() == 0 else (os.geteuid(), os.getegid())
    request = await bench.request(lockfile_of(bench.tiny(GENEROUS)), uid=uid, gid=gid, permissions="755")
    await builder.built(request)
    prefix = bench.path_of(request)
    owners = {(path.lstat().st_uid, path.lstat().st_gid) for path in (prefix, *prefix.rglob("*"))}
    assert owners == {(uid, gid)}


@pytest.mark.parametrize("link_mode", ["auto", "copy"])
async def test_link_script_changes_no_other_prefix_when_it_edits_a_file_in_place(
    bench: Workbench, builder: Builder, link_mode: str
) -> None:
    shared = TinyPackage(name="shared-file", files={"share/conf": b"as packaged\n"})
    editor = TinyPackage(name="editor", depends=("shared-file",), post_link='echo edited >> "$PREFIX/share/conf"\n')
    before = await bench.request(lockfile_of(bench.tiny(shared)), link_mode=link_mode)
    edited = await bench.request(lockfile_of(bench.tiny(shared), bench.tiny(editor)), link_mode=link_mode)
    after = await bench.request(lockfile_of(bench.tiny(shared)), link_mode=link_mode)
    for request in (before, edited, after):
        await builder.built(request)
    texts = [(bench.path_of(request) / "share/conf").read_text() for request in (before, edited, after)]
    assert texts == ["as packaged\n", "as packaged\nedited\n", "as packaged\n"]
