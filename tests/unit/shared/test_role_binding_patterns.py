"""What a pattern over namespace and environment covers."""

import itertools
from time import perf_counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conda_store_shared.domain.permission import Role, RoleBinding

PATTERNS = st.text("ab*", min_size=1, max_size=6)
TEXTS = st.text("ab", max_size=6)


def binding(arn: str) -> RoleBinding:
    return RoleBinding.parse(arn, ["viewer"])


def glob(pattern: str, text: str) -> bool:
    """Tell slowly, by definition, whether ``text`` is ``pattern`` with each star replaced by something."""
    if not pattern:
        return not text
    if pattern[0] == "*":
        return glob(pattern[1:], text) or (bool(text) and glob(pattern, text[1:]))
    return bool(text) and pattern[0] == text[0] and glob(pattern[1:], text[1:])


@given(pattern=PATTERNS, text=TEXTS)
def test_star_stands_for_any_characters(pattern: str, text: str) -> None:
    assert binding(f"{pattern}/*").matches(text, "x") is glob(pattern, text)


@given(wide=PATTERNS, narrow=PATTERNS)
def test_covering_binding_matches_everything_the_covered_one_does(wide: str, narrow: str) -> None:
    if not binding(f"{wide}/*").covers(binding(f"{narrow}/*")):
        return
    for filling in ("", "a", "b", "ab"):
        text = narrow.replace("*", filling)
        assert binding(f"{wide}/*").matches(text, "x")


@pytest.mark.parametrize(
    ("wide", "narrow", "covered"),
    [
        ("*/*", "a/*", True),
        ("a/*", "a/b", True),
        ("a*/*", "ab*/c", True),
        ("a/*", "*/*", False),
        ("a/b", "a/*", False),
        ("a*b/*", "ab/x", True),
        ("a.b/*", "axb/*", False),
        ("*/*", "***/**", True),
    ],
)
def test_binding_covers_another(wide: str, narrow: str, covered: bool) -> None:
    assert binding(wide).covers(binding(narrow)) is covered


@pytest.mark.parametrize(("namespace", "name"), [("a*", "x"), ("a", "*"), ("a/b", "x"), ("a\x00", "x"), ("a\n", "x")])
def test_character_no_name_may_have_matches_nothing(namespace: str, name: str) -> None:
    assert not binding("*/*").matches(namespace, name)


@given(wide=st.text("a*", min_size=1, max_size=3), narrow=st.text("a*", min_size=1, max_size=3))
def test_covering_binding_matches_the_namespaces_that_the_covered_one_does(wide: str, narrow: str) -> None:
    if binding(f"*/{wide}").covers(binding(f"x/{narrow}")) and binding(f"x/{narrow}").matches("x", None):
        assert binding(f"*/{wide}").matches("x", None)


def test_environment_binding_grants_nothing_on_its_namespace() -> None:
    assert not binding("a/env").matches("a", None)
    assert binding("a/*").matches("a", None)
    assert binding("a/**").matches("a", None)
    assert binding("*/*").matches("", None)


def test_hostile_pattern_costs_no_time() -> None:
    started = perf_counter()
    hostile = RoleBinding("*".join(["a"] * 60) + "*b", "*", frozenset(Role))
    for length in (100, 255):
        assert not hostile.matches("a" * length, "x")
    assert perf_counter() - started < 1


def test_names_differ_by_every_special_character() -> None:
    for one, other in itertools.permutations("-+_@$&?^~.=", 2):
        assert not binding(f"a{one}b/*").matches(f"a{other}b", "x")
