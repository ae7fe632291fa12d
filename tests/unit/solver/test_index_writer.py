"""Repodata becomes the list of a subdir's packages."""

import json
from pathlib import Path
from typing import Any

import pytest

from conda_store_shared.domain.channel_index import IndexedBuild, IndexedPackage, read_contents, unpack_section
from conda_store_solver.adapters.index_writer import WrittenIndex, read_summaries, write_index

MD5, SHA256 = "a" * 32, "b" * 64


def a_record(name: str = "numpy", version: str = "2.0", build: str = "py311_0", **rest: Any) -> dict[str, Any]:
    return {"name": name, "version": version, "build": build, "build_number": 0, "depends": ["python"], **rest}


def write(tmp_path: Path, repodata: dict[str, Any], summaries: dict[str, str] | None = None) -> WrittenIndex:
    (tmp_path / "repodata.json").write_text(json.dumps({"info": {"subdir": "linux-64"}, **repodata}))
    return write_index(
        tmp_path / "repodata.json",
        tmp_path / "list",
        channel="https://c.example",
        subdir="linux-64",
        summaries=summaries or {},
    )


def packages(tmp_path: Path) -> list[IndexedPackage]:
    content = (tmp_path / "list").read_bytes()
    contents = read_contents(content[: content.index(b"\n") + 1])
    return [
        package
        for section in contents.sections
        for package in unpack_section(section, content[section.offset : section.offset + section.length])
    ]


def test_list_has_versions_with_their_files(tmp_path: Path) -> None:
    record = a_record(
        md5=MD5, sha256=SHA256, size=5, timestamp=7, license="BSD", license_family="BSD", build_number=3
    )
    repodata = {"packages.conda": {"numpy-2.0-py311_0.conda": record, "x-1-0.conda": a_record("x", "1", "0")}}
    written = write(tmp_path, repodata, {"numpy": "Arrays"})
    assert (written.files, written.left_out) == (2, 0)
    build = IndexedBuild(build="py311_0", build_number=3, md5=MD5, sha256=SHA256, size=5, timestamp=7)
    bare = IndexedBuild(build="0", build_number=0, md5="", sha256="", size=-1, timestamp=None)
    assert packages(tmp_path) == [
        IndexedPackage(
            name="numpy", version="2.0", license="BSD", license_family="BSD", summary="Arrays", builds=(build,)
        ),
        IndexedPackage(name="x", version="1", license=None, license_family=None, summary=None, builds=(bare,)),
    ]


def test_newer_format_alone_is_listed_when_a_build_comes_in_both(tmp_path: Path) -> None:
    old, new = a_record(sha256="0" * 64), a_record(sha256="1" * 64)
    for first, second in (("packages", "packages.conda"), ("packages.conda", "packages")):
        files = {"packages": {"numpy-2.0-py311_0.tar.bz2": old}, "packages.conda": {"numpy-2.0-py311_0.conda": new}}
        write(tmp_path, {first: files[first], second: files[second]})
        assert [build.sha256 for package in packages(tmp_path) for build in package.builds] == ["1" * 64]


def test_list_is_the_same_whatever_the_order_of_repodata(tmp_path: Path) -> None:
    records = {f"{name}-{version}-0.conda": a_record(name, version, "0") for name in "cab" for version in ("2", "1")}
    digests = {
        write(tmp_path, {"packages.conda": dict(order)}).digest
        for order in (records.items(), reversed(records.items()), sorted(records.items()))
    }
    assert len(digests) == 1
    assert [(package.name, package.version) for package in packages(tmp_path)] == [
        (name, version) for name in "abc" for version in "12"
    ]


@pytest.mark.parametrize(
    "record",
    [
        None,
        [],
        "text",
        {},
        a_record(name=""),
        a_record(name=7),  # type: ignore[arg-type]
        a_record(name="n" * 256),
        a_record(version="1" * 65),
        a_record(build="b" * 65),
        a_record(build_number="1"),
        a_record(build_number=-1),
        a_record(name="with\x00nul"),
        a_record(name="half \ud800"),
    ],
)
def test_record_is_left_out_when_it_is_not_as_records_are(tmp_path: Path, record: Any) -> None:
    written = write(tmp_path, {"packages": {"odd-1-0.tar.bz2": record, "x-1-0.tar.bz2": a_record("x", "1", "0")}})
    assert (written.files, written.left_out) == (1, 1)
    assert [package.name for package in packages(tmp_path)] == ["x"]


def test_value_is_left_out_when_no_column_can_hold_it(tmp_path: Path) -> None:
    odd = a_record(md5="short", sha256=5, size=-7, timestamp="yesterday", license=["MIT"], license_family="F" * 100)
    write(tmp_path, {"packages": {"numpy-2.0-py311_0.tar.bz2": odd}})
    (package,) = packages(tmp_path)
    (build,) = package.builds
    assert build == IndexedBuild(build="py311_0", build_number=0, md5="", sha256="", size=-1, timestamp=None)
    assert (package.license, package.license_family) == (None, "F" * 64)


def test_list_is_empty_when_repodata_is(tmp_path: Path) -> None:
    assert write(tmp_path, {}).files == 0
    assert packages(tmp_path) == []


def test_older_list_stays_when_repodata_is_broken(tmp_path: Path) -> None:
    write(tmp_path, {"packages": {"x-1-0.tar.bz2": a_record("x", "1", "0")}})
    (tmp_path / "repodata.json").write_text('{"packages": {"y-1-0.tar.bz2": {"name": ')
    with pytest.raises(ValueError):  # noqa: PT011 - whatever is wrong with it
        write_index(
            tmp_path / "repodata.json", tmp_path / "list", channel="c", subdir="linux-64", summaries={}
        )
    assert [package.name for package in packages(tmp_path)] == ["x"]
    assert {path.name for path in tmp_path.iterdir()} == {"repodata.json", "list"}


def test_summaries_are_read_as_far_as_channeldata_goes(tmp_path: Path) -> None:
    path = tmp_path / "channeldata.json"
    path.write_text(
        json.dumps({"packages": {"a": {"summary": "About a"}, "b": {"summary": None}, "c": 3, "d": {"summary": "D"}}})
    )
    assert read_summaries(path) == {"a": "About a", "d": "D"}
    path.write_text(path.read_text()[:-20])
    assert read_summaries(path) == {"a": "About a"}
