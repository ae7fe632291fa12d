"""Entries of JSON documents read one by one, whatever pieces the document comes in."""

import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conda_store_solver.adapters.json_entries import read_entries

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)
KEYS = st.sampled_from(["packages", "packages.conda", "info", "removed", ""])
DOCUMENTS = st.dictionaries(KEYS, VALUES | st.dictionaries(st.text(max_size=5), VALUES, max_size=5), max_size=5)
WANTED = ("packages", "packages.conda")


class Dribble(io.StringIO):
    """Gives a few characters at a time."""

    def __init__(self, text: str, at_once: int) -> None:
        super().__init__(text)
        self._at_once = at_once

    def read(self, size: int | None = -1) -> str:
        return super().read(self._at_once)


def entries(text: str, at_once: int = 2**20) -> list[tuple[str, str, Any]]:
    return list(read_entries(Dribble(text, at_once), WANTED))


@given(DOCUMENTS, st.integers(1, 40), st.sampled_from([None, 1]))
def test_entries_are_those_of_the_document(document: dict[str, Any], at_once: int, indent: int | None) -> None:
    expected = [
        (key, name, value)
        for key in document
        if key in WANTED and isinstance(document[key], dict)
        for name, value in document[key].items()
    ]
    assert entries(json.dumps(document, indent=indent), at_once) == expected


def test_number_is_whole_when_the_piece_ends_in_it() -> None:
    assert entries('{"packages": {"a": 12345}}', 1) == [("packages", "a", 12345)]


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{", '{"packages"', '{"packages": {"a": 1', '{"packages": {"a": 1,}}', '{"packages": {"a" 1}}',
     '{"packages": {1: 1}}', '{"packages": {"a": 1]}', '{"x": tru}', '{"x": 1 "y": 2}', "null"],
)  # fmt: skip
@pytest.mark.parametrize("at_once", [1, 1000])
def test_document_is_refused_when_it_is_no_object_of_objects(text: str, at_once: int) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - whatever is wrong with it
        entries(text, at_once)
