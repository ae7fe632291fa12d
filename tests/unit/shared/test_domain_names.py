"""Names of namespaces and environments (contract §2.1)."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conda_store_shared.domain.names import MAXIMUM_LENGTH, environment_name, namespace_name
from conda_store_shared.errors import InvalidName

ALLOWED = string.ascii_letters + string.digits + "-+_@$&?^~.="


@given(st.text(ALLOWED, min_size=1, max_size=MAXIMUM_LENGTH).filter(lambda name: not name.startswith(".")))
def test_name_is_kept_when_its_characters_are_allowed(name: str) -> None:
    assert str(namespace_name(name)) == str(environment_name(name)) == name


@given(st.text(max_size=300))
def test_name_is_safe_as_a_directory_when_it_is_accepted(name: str) -> None:
    try:
        namespace_name(name)
    except InvalidName:
        return
    assert name
    assert len(name.encode()) <= 255
    assert not set(name) - set(ALLOWED)
    assert not name.startswith(".")


@pytest.mark.parametrize(
    "name", ["", ".", "..", ".hidden", "a/b", "a\\b", "a b", "a\n", "\n", "a\x00", "ü", "a*", "x" * 256, "a\u200b"]
)
def test_name_is_refused_when_it_is_no_directory_name(name: str) -> None:
    with pytest.raises(InvalidName):
        namespace_name(name)
    with pytest.raises(InvalidName):
        environment_name(name)


def test_refusal_says_what_is_wrong_with_the_name() -> None:
    with pytest.raises(InvalidName, match=r"namespace='a b' is not valid; allowed are letters, digits and - \+ _"):
        namespace_name("a b")
    with pytest.raises(InvalidName, match="environment name is 300 characters long; at most 255 are allowed"):
        environment_name("x" * 300)
