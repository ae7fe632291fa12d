"""The list of a channel's packages as an object: whole, cut, changed, and how little of it a new package changes."""

import dataclasses
import json
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conda_store_shared.domain.channel_index import (
    Contents,
    IndexedBuild,
    IndexedPackage,
    Section,
    read_contents,
    unpack_section,
)
from conda_store_shared.errors import InvalidChannelIndex
from conda_store_shared.testing.channel_lists import a_listed_package, many_packages, write_list

pytestmark = pytest.mark.slow

TEXT = st.none() | st.text(max_size=20)
BUILDS = st.builds(
    IndexedBuild,
    build=st.text(min_size=1),
    build_number=st.integers(0, 9),
    md5=st.text(max_size=3),
    sha256=st.text(max_size=3),
    size=st.integers(-1),
    timestamp=st.none() | st.integers(),
)
PACKAGES = st.builds(
    IndexedPackage,
    name=st.text(st.characters(codec="utf-8"), min_size=1, max_size=3),
    version=st.text(max_size=3),
    license=TEXT,
    license_family=TEXT,
    summary=TEXT,
    builds=st.lists(BUILDS, max_size=2).map(tuple),
)


def contents_of(content: bytes) -> Contents:
    return read_contents(content[: content.index(b"\n") + 1])


def packages_in(content: bytes, section: Section) -> list[IndexedPackage]:
    return unpack_section(section, content[section.offset : section.offset + section.length])


def digests(content: bytes) -> dict[str, str]:
    return {section.first: section.digest for section in contents_of(content).sections}


@given(st.lists(PACKAGES, max_size=30, unique_by=lambda package: (package.name, package.version)))
def test_list_holds_what_was_put_into_it(packages: list[IndexedPackage]) -> None:
    ordered = sorted(packages, key=lambda package: (package.name, package.version))
    content = write_list("https://c.example", "noarch", ordered)
    contents = contents_of(content)
    assert (contents.channel, contents.subdir) == ("https://c.example", "noarch")
    assert [package for section in contents.sections for package in packages_in(content, section)] == ordered
    for section in contents.sections:
        for package in packages_in(content, section):
            assert section.first <= package.name
            assert section.end is None or package.name < section.end


def test_sections_follow_one_another_from_the_first_name_to_the_last() -> None:
    content = write_list("https://c.example", "noarch", many_packages(500))
    sections = contents_of(content).sections
    assert len(sections) > 10
    assert sections[0].first == ""
    assert [section.end for section in sections] == [*(section.first for section in sections[1:]), None]
    assert sections[-1].offset + sections[-1].length == len(content)


def test_new_version_changes_one_section() -> None:
    packages = list(many_packages(500))
    before = digests(write_list("https://c.example", "noarch", packages))
    packages.insert(1 + len(packages) // 2, dataclasses.replace(packages[len(packages) // 2], version="9.9"))
    after = digests(write_list("https://c.example", "noarch", packages))
    assert before.keys() == after.keys()
    assert sum(before[first] != after[first] for first in before) == 1


@pytest.mark.parametrize("name", [f"new-package-{number}" for number in range(30)])
def test_new_name_changes_two_sections_at_most(name: str) -> None:
    packages = list(many_packages(300))
    before = digests(write_list("https://c.example", "noarch", packages))
    ordered = sorted([*packages, a_listed_package(name)], key=lambda package: (package.name, package.version))
    after = digests(write_list("https://c.example", "noarch", ordered))
    assert len(after.items() - before.items()) <= 2


def test_list_of_nothing_covers_all_names() -> None:
    content = write_list("https://c.example", "noarch", [])
    (section,) = contents_of(content).sections
    assert (section.first, section.end, packages_in(content, section)) == ("", None, [])


def test_digest_is_that_of_the_packages() -> None:
    one, same = (write_list("https://c.example", "noarch", [a_listed_package("a")]) for _ in range(2))
    other = write_list("https://c.example", "noarch", [a_listed_package("a", "1.1")])
    assert contents_of(one).digest == contents_of(same).digest != contents_of(other).digest


def test_section_is_refused_when_it_is_not_the_one_the_table_names() -> None:
    content = write_list("https://c.example", "noarch", [a_listed_package("a")])
    (section,) = contents_of(content).sections
    other = write_list("https://c.example", "noarch", [a_listed_package("b")])
    (stranger,) = contents_of(other).sections
    for wrong in (content[section.offset : -1], b"", b"x" * 20, other[stranger.offset :]):
        with pytest.raises(InvalidChannelIndex):
            unpack_section(section, wrong)


def test_section_is_refused_when_it_would_grow_without_end() -> None:
    content = write_list("https://c.example", "noarch", [a_listed_package("a")])
    (section,) = contents_of(content).sections
    with pytest.raises(InvalidChannelIndex):
        unpack_section(section, zlib.compress(bytes(80 * 1024 * 1024)))


@pytest.mark.parametrize(
    "line",
    [b"", b"\n", b"[]\n", b"{}\n", b"{\n", b"\xff\n", json.dumps({"format": 2}).encode(),
     json.dumps({"format": 1, "channel": "c", "subdir": "s", "sections": [["a"]]}).encode()],
)  # fmt: skip
def test_table_of_contents_is_refused_when_it_is_none(line: bytes) -> None:
    with pytest.raises(InvalidChannelIndex):
        read_contents(line)
