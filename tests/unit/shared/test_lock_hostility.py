"""Locks of any content are read or refused, and nothing crashes."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conda_store_api.use_cases.read_lock import SubmittedLock, read_lock
from conda_store_shared.conda.locked_entries import check_entries
from conda_store_shared.domain.lockfile import Lockfile
from conda_store_shared.domain.locks.explicit_reading import read_explicit_list
from conda_store_shared.domain.locks.explicit_writing import write_explicit_list
from conda_store_shared.domain.locks.pixi_writing import write_pixi_lock
from conda_store_shared.errors import InvalidInput, InvalidLockfile
from tests.unit.shared.lock_strategies import lockfiles

pytestmark = pytest.mark.slow

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
URL = "https://c.example/forge/linux-64/a-1.0-h0_0.conda"
PACKAGE_KEYS = st.sampled_from(
    ["name", "version", "manager", "platform", "url", "hash", "dependencies", "build", "conda", "pypi", "md5", "sha256",
     "depends", "category", "subdir"]
)  # fmt: skip
TEXTS = st.sampled_from([URL, "a", "1.0", "conda", "pip", "linux-64", "0" * 32, "1" * 64, "./x", "file:///etc/passwd"])
ROWS = st.dictionaries(PACKAGE_KEYS, TEXTS | JSON_VALUES | st.fixed_dictionaries({"md5": TEXTS}), max_size=9)
REFERENCES = st.dictionaries(
    st.sampled_from(["linux-64", "win-64", "vax", ""]), st.lists(ROWS, max_size=2) | JSON_VALUES
)
ENVIRONMENTS = st.fixed_dictionaries({"channels": JSON_VALUES, "packages": REFERENCES | JSON_VALUES})
PIXI = st.fixed_dictionaries(
    {
        "version": st.sampled_from([6, 7, 5, "6", None]),
        "environments": st.dictionaries(st.sampled_from(["default", "x"]), ENVIRONMENTS, max_size=2) | JSON_VALUES,
        "packages": st.lists(ROWS, max_size=3) | JSON_VALUES,
    },
    optional={"platforms": JSON_VALUES | st.lists(st.dictionaries(st.sampled_from(["name", "subdir"]), TEXTS))},
)
CONDA_LOCK = st.fixed_dictionaries(
    {
        "metadata": st.fixed_dictionaries({"platforms": st.lists(TEXTS, max_size=2), "channels": JSON_VALUES}),
        "package": st.lists(ROWS, max_size=3),
    }
)


def survives(text: str, environment: str = "") -> None:
    """What was read can be written in every form; whatever cannot be used is refused as bad input."""
    try:
        lockfile = read_lock(SubmittedLock(text=text, name="weather", environment=environment)).lockfile
    except InvalidInput:
        return
    assert lockfile is not None
    write_pixi_lock(lockfile)
    for platform in lockfile.platforms:
        write_explicit_list(lockfile, platform)


@settings(max_examples=300)
@given(PIXI | CONDA_LOCK | JSON_VALUES, st.sampled_from(["", "default"]))
def test_any_document_is_read_or_refused(value: Any, environment: str) -> None:
    survives(json.dumps(value), environment)


LINES = st.one_of(
    TEXTS,
    st.text(max_size=20),
    st.builds("{}#{}".format, TEXTS, TEXTS),
    st.builds("# platform: {}".format, TEXTS),
    st.builds("# pip {} @ {}#sha256={}".format, TEXTS, TEXTS, TEXTS),
)


@settings(max_examples=300)
@given(st.lists(LINES, max_size=5))
def test_any_list_is_read_or_refused(lines: list[str]) -> None:
    survives("\n".join(["@EXPLICIT", *lines]))


@settings(max_examples=60)
@given(lockfiles(), st.data())
def test_entry_that_is_changed_to_another_is_refused_or_still_one_of_the_web(lockfile: Lockfile, data: Any) -> None:
    rows = [dict(row) for row in lockfile.value["package"]]
    if rows:
        changed = data.draw(st.sampled_from(rows))
        changed[data.draw(st.sampled_from(["url", "name", "platform"]))] = data.draw(TEXTS)
    try:
        found = Lockfile.from_value({**lockfile.value, "package": rows})
        check_entries(found, ())
    except InvalidInput:
        return
    assert all(package.url.startswith("https://") for package in found.packages)


@pytest.mark.parametrize(
    "url",
    ["https://c.example/forge/../other/linux-64/a-1.0-h0_0.conda", "https://c.example/forge/linux-64/..%2Fa-1.0-h0_0.conda",
     "https://c.example/forge/linux-64/x%5Ca-1.0-h0_0.conda", "https://c.example/%2e%2e/linux-64/a-1.0-h0_0.conda"],
)  # fmt: skip
def test_address_that_leads_elsewhere_is_refused(url: str) -> None:
    with pytest.raises(InvalidInput):
        check_entries(
            Lockfile.from_value(read_explicit_list(f"@EXPLICIT\n{url}#{'0' * 32}")), ("https://c.example/forge",)
        )


def test_package_of_a_forbidden_channel_is_found_among_many() -> None:
    lines = [f"https://c.example/forge/linux-64/a{number}-1.0-0.conda#{'0' * 32}" for number in range(50)]
    lines[30] = lines[30].replace("/forge/", "/other/")
    with pytest.raises(InvalidInput, match=r"other/linux-64/a30-1\.0-0\.conda is in no allowed channel"):
        check_entries(
            Lockfile.from_value(read_explicit_list("\n".join(["@EXPLICIT", *lines]))), ("https://c.example/forge",)
        )


def test_lock_is_refused_when_its_name_is_none() -> None:
    with pytest.raises(InvalidInput):
        read_lock(SubmittedLock(text="@EXPLICIT\n", name="../x"))
    with pytest.raises(InvalidLockfile):
        read_lock(SubmittedLock(text="@EXPLICIT\n", name="x"))
