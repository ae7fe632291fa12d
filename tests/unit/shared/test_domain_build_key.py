"""Build keys as upstream makes them (contract §4.4)."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conda_store_shared.domain.build_key import BuildIdentity, build_key, parse_build_id

SHA256 = "f12bf0d30ad44a8cf3b2c9f8bd2e7d1a1a9e6c1c2cd2a3f1f7fd1b1d6c3d9a10"
IDENTITY = BuildIdentity(
    build_id=12345678,
    namespace="default",
    specification_name="this-is-a-long-environment-name",
    specification_sha256=SHA256,
    scheduled_on=datetime(2023, 11, 5, 3, 54, 10, 510258),
)


@pytest.mark.parametrize(
    ("version", "key"),
    [
        (1, f"{SHA256}-20231105-035410-510258-12345678-this-is-a-long-environment-name"),
        (2, "f12bf0d3-1699156450-12345678-this-is-a-long-environment-name"),
        # printf default<sha256>169915645012345678 | sha256sum | cut -c-32
        (3, "236fba25142f66add4867d02134ad8c5"),
    ],
)
def test_key_is_the_one_that_other_releases_made(version: int, key: str) -> None:
    assert build_key(IDENTITY, version) == key


@pytest.mark.parametrize("version", [1, 2])
def test_key_tells_its_build(version: int) -> None:
    assert parse_build_id(build_key(IDENTITY, version)) == IDENTITY.build_id


def test_hashed_key_must_be_looked_up() -> None:
    assert parse_build_id(build_key(IDENTITY, 3)) is None


@pytest.mark.parametrize("version", [0, 4, -1])
def test_key_is_refused_when_its_format_is_unknown(version: int) -> None:
    with pytest.raises(ValueError, match=rf"invalid build key version: {version}, expected: \(1, 2, 3\)"):
        build_key(IDENTITY, version)


@pytest.mark.parametrize("version", [2, 3])
def test_key_is_the_same_wherever_the_clock_stands(version: int) -> None:
    utc = replace(IDENTITY, scheduled_on=IDENTITY.scheduled_on.replace(tzinfo=UTC))
    tokyo = replace(utc, scheduled_on=utc.scheduled_on.astimezone(timezone(timedelta(hours=9))))
    assert build_key(IDENTITY, version) == build_key(utc, version) == build_key(tokyo, version)


@given(build_id=st.integers(1, 2**31), name=st.text("abc-123", min_size=1), version=st.sampled_from([1, 2]))
def test_key_tells_its_build_when_the_name_looks_like_a_key(build_id: int, name: str, version: int) -> None:
    identity = replace(IDENTITY, build_id=build_id, specification_name=name)
    assert parse_build_id(build_key(identity, version)) == build_id


@pytest.mark.parametrize("text", ["", "latest", "a-b-c", "..", "f12bf0d3-x-1-a", "f12bf0d3-1-1-", "F" * 32, "f" * 31])
def test_text_is_refused_when_it_is_no_key(text: str) -> None:
    with pytest.raises(ValueError, match="not a build key"):
        parse_build_id(text)
