"""Names beside a prefix, and how long a path may be."""

from pathlib import Path

import pytest

from conda_store_builder.domain.prefix_path import attempt_lock_of, attempt_of, check_length, lock_of, trash_of
from conda_store_shared.domain.whole_marker import WholeMarker
from conda_store_shared.errors import StageFailure

PREFIX = Path("/store/ns/abc-1-1-demo")


def test_paths_stand_beside_the_prefix() -> None:
    attempt = attempt_of(PREFIX, "u")
    assert attempt == Path("/store/ns/.attempt-abc-1-1-demo-u")
    assert attempt_lock_of(attempt) == Path("/store/ns/.attempt-abc-1-1-demo-u.lock")
    assert lock_of(PREFIX) == Path("/store/ns/.abc-1-1-demo.lock")
    assert trash_of(PREFIX, "u") == Path("/store/ns/.trash-abc-1-1-demo-u")


def test_names_fit_a_directory_when_the_build_key_is_as_long_as_can_be() -> None:
    longest, other = Path("/s") / ("k" * 250), Path("/s") / ("k" * 249 + "j")
    for name in (attempt_lock_of(attempt_of(longest, "u" * 32)).name, lock_of(longest).name):
        assert len(name) <= 255
    assert lock_of(longest) != lock_of(other)


def test_length_is_checked_at_255_characters() -> None:
    check_length("/" + "x" * 254)
    with pytest.raises(StageFailure, match="must be <= 255 characters") as failure:
        check_length("/" + "x" * 255)
    assert (failure.value.cause, failure.value.transient) == ("prefix_too_long", False)


def test_marker_is_read_as_it_was_written() -> None:
    marker = WholeMarker(build_key="k", lockfile_digest="d", apparent_bytes=1, unique_bytes=2)
    assert WholeMarker.from_bytes(marker.to_bytes()) == marker


@pytest.mark.parametrize("content", [b"", b"{", b"{}", b"[]", b'{"build_key": "k"}'])
def test_marker_is_refused_when_it_is_damaged(content: bytes) -> None:
    with pytest.raises(ValueError, match=r".*"):
        WholeMarker.from_bytes(content)
