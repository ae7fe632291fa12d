"""Headers of files are those the standard library writes."""

import tarfile

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from conda_store_artifacts.adapters.plain_tar import file_header

pytestmark = pytest.mark.slow


@given(
    st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=150),
    st.integers(0, 2**40),
    st.integers(-5, 2**40),
    st.booleans(),
)
@example("a" * 100, 1, 1, True)
@example("a" * 101, 1, 1, False)
@example("é" * 51, 8**11, 8**11, False)
@example("lib/\udcff.py", 0, 8**11 - 1, False)
def test_header_is_that_of_tarfile(path: str, size: int, time: int, executable: bool) -> None:
    member = tarfile.TarInfo(path)
    member.size, member.mtime, member.mode = size, time, 0o755 if executable else 0o644
    expected = member.tobuf(tarfile.GNU_FORMAT, "utf-8", "surrogateescape")
    assert file_header(path, size, time, executable=executable) == expected
