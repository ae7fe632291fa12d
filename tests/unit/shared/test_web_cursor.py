"""Cursors come back as they were given, and nothing else is taken for one (contract §1.3.2)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conda_store_shared.errors import InvalidInput
from conda_store_shared.web.cursor import Cursor

_NAMES = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=8)
_IDS = st.integers(min_value=0, max_value=2**31 - 1)


@given(row_id=_IDS | st.none(), values=st.dictionaries(st.sampled_from(["namespace", "name"]), _NAMES) | st.none())
def test_cursor_comes_back_as_it_was_given(row_id: int | None, values: dict[str, str] | None) -> None:
    cursor = Cursor(last_id=row_id, last_value=values)
    assert Cursor.decode(cursor.encode()) == cursor
    # In an address a plus sign is a space, unless the client escapes it.
    assert Cursor.decode(cursor.encode().replace("+", " ")) == cursor


@given(text=st.text(max_size=40) | st.binary(max_size=40).map(lambda octets: octets.hex()))
def test_text_is_refused_when_it_is_no_cursor(text: str) -> None:
    with pytest.raises(InvalidInput):
        Cursor.decode(text)
