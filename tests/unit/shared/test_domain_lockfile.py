"""A conda-lock version 1 lockfile as a value (contract §2.5)."""

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conda_store_shared.domain.lockfile import Lockfile
from conda_store_shared.errors import InvalidLockfile

NUMPY = {
    "name": "numpy",
    "version": "2.0",
    "manager": "conda",
    "platform": "linux-64",
    "dependencies": {"python": ">=3.10"},
    "url": "https://conda.anaconda.org/conda-forge/linux-64/numpy-2.0-0.conda",
    "hash": {"md5": "ab", "sha256": "cd"},
}
WHOLE: dict[str, Any] = {
    "version": 1,
    "metadata": {"platforms": ["linux-64", "osx-64"], "channels": [], "content_hash": {"linux-64": "c"}},
    "package": [
        NUMPY,
        {**NUMPY, "platform": "osx-64"},
        {**NUMPY, "name": "flask", "manager": "pip", "hash": {"sha256": "ef"}},
    ],
}


def test_packages_are_selected_by_platform_and_manager() -> None:
    lockfile = Lockfile.from_value(WHOLE)
    assert lockfile.platforms == ("linux-64", "osx-64")
    assert [package.name for package in lockfile.select("linux-64", "conda")] == ["numpy"]
    (flask,) = lockfile.select("linux-64", "pip")
    assert (flask.name, flask.md5, flask.sha256, flask.build) == ("flask", None, "ef", None)
    assert lockfile.select("win-64", "conda") == ()


def test_lockfile_is_stored_as_it_came_with_its_version() -> None:
    without = {key: value for key, value in WHOLE.items() if key != "version"}
    lockfile = Lockfile.from_value({**without, "surprise": True})
    assert json.loads(lockfile.to_text()) == {**WHOLE, "surprise": True}
    assert lockfile.to_text() == json.dumps(lockfile.value, indent=4)
    assert Lockfile.from_text(lockfile.to_text()).digest == lockfile.digest


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"version": 2}, "version 2 is not known"),
        ({"version": "1"}, "version '1' is not known"),
        ({"package": {}}, "`package`, a list"),
        ({"metadata": []}, "`metadata`, a mapping"),
        ({"metadata": {}}, "`metadata.platforms`"),
        ({"metadata": {"platforms": [1]}}, "`metadata.platforms`"),
        ({"package": ["numpy"]}, "package 0 of the lockfile is not a mapping"),
        ({"package": [{**NUMPY, "url": None}]}, "package 0 of the lockfile needs `url`"),
        ({"package": [{**NUMPY, "manager": "npm"}]}, "package numpy of the lockfile has manager 'npm'"),
        ({"package": [{**NUMPY, "hash": "s"}]}, "`hash` and `dependencies` of package numpy"),
        ({"package": [{**NUMPY, "hash": {"md5": 3}}]}, "`hash` of package numpy"),
        ({"package": [{**NUMPY, "build": ["0"]}]}, "`build` of package numpy"),
        ({"package": [{**NUMPY, "dependencies": ["python"]}]}, "`hash` and `dependencies` of package numpy"),
    ],
)
def test_refusal_names_what_is_wrong(change: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidLockfile) as raised:
        Lockfile.from_value({**WHOLE, **change})
    assert message in raised.value.message


@pytest.mark.parametrize("text", ["", "{", "[]", "3", "null", "[" * 100_000, b"\xff"])
def test_text_is_refused_when_it_is_no_lockfile(text: str | bytes) -> None:
    with pytest.raises(InvalidLockfile):
        Lockfile.from_text(text)


@given(st.dictionaries(st.sampled_from([*WHOLE, *NUMPY]), st.none() | st.integers() | st.text() | st.lists(st.text())))
def test_anything_is_read_or_refused_and_nothing_crashes(value: dict[str, Any]) -> None:
    for document in (value, {**WHOLE, **value}, {**WHOLE, "package": [value, {**NUMPY, **value}]}):
        with contextlib.suppress(InvalidLockfile):
            Lockfile.from_value(document)
