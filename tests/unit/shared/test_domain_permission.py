"""Roles and what they let their holders do (contract §3.4, §3.5)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conda_store_shared.domain.permission import (
    PERMISSIONS_OF_ROLE,
    Permission,
    Role,
    RoleBinding,
    is_allowed,
    parse_role,
    permissions_on,
)
from conda_store_shared.errors import InvalidInput

VIEWER = {"environment::read", "namespace::read", "namespace-role-mapping::read"}
DEVELOPER = VIEWER | {
    "environment:create",
    "environment::update",
    "environment::solve",
    "build::cancel",
    "setting::read",
}
NAMES = st.text("ab", min_size=1, max_size=3)
BINDINGS = st.lists(
    st.builds(
        lambda namespace, name, roles: RoleBinding(namespace, name, frozenset(roles)),
        st.text("ab*", min_size=1, max_size=3),
        st.text("ab*", min_size=1, max_size=3),
        st.sets(st.sampled_from(Role)),
    ),
    max_size=4,
)


def test_roles_hold_the_permissions_that_users_know() -> None:
    assert PERMISSIONS_OF_ROLE[Role.VIEWER] == VIEWER
    assert PERMISSIONS_OF_ROLE[Role.DEVELOPER] == DEVELOPER
    assert PERMISSIONS_OF_ROLE[Role.ADMIN] == set(Permission)
    assert len(Permission) == 17


def test_editor_is_another_word_for_developer() -> None:
    assert parse_role("editor") is Role.DEVELOPER
    for text in ("", "Admin", "owner"):
        with pytest.raises(InvalidInput, match=f"invalid role={text}"):
            parse_role(text)


@pytest.mark.parametrize("arn", ["", "a", "a/", "/b", "a/b/c", "a b/c", "a/\n", "ü/*", "a/b\n"])
def test_binding_is_refused_when_its_pattern_is_none(arn: str) -> None:
    with pytest.raises(InvalidInput):
        RoleBinding.parse(arn, ["viewer"])


@given(bindings=BINDINGS, namespace=NAMES, name=NAMES)
def test_caller_may_do_what_any_matching_binding_grants(bindings: list[RoleBinding], namespace: str, name: str) -> None:
    granted = permissions_on(bindings, namespace, name)
    for permission in Permission:
        by_hand = any(
            binding.matches(namespace, name) and any(permission in PERMISSIONS_OF_ROLE[role] for role in binding.roles)
            for binding in bindings
        )
        assert (permission in granted) is by_hand
        assert is_allowed(bindings, [permission], namespace, name) is by_hand


@given(bindings=BINDINGS, more=BINDINGS, namespace=NAMES, name=NAMES)
def test_more_bindings_never_take_anything_away(
    bindings: list[RoleBinding], more: list[RoleBinding], namespace: str, name: str
) -> None:
    for place in (name, None):
        assert permissions_on(bindings, namespace, place) <= permissions_on([*bindings, *more], namespace, place)


@given(bindings=BINDINGS, namespace=NAMES, name=NAMES)
def test_whoever_rules_a_namespace_rules_its_environments(
    bindings: list[RoleBinding], namespace: str, name: str
) -> None:
    assert permissions_on(bindings, namespace, None) <= permissions_on(bindings, namespace, name)


def test_several_permissions_are_all_needed() -> None:
    bindings = [RoleBinding.parse("a/*", ["viewer"]), RoleBinding.parse("*/b", ["developer"])]
    wanted = [Permission.ENVIRONMENT_READ, Permission.ENVIRONMENT_UPDATE]
    assert is_allowed(bindings, wanted, "a", "b")
    assert not is_allowed(bindings, wanted, "a", "c")
    assert is_allowed(bindings, [], "x", "y")
