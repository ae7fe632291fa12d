"""Owners that a builder can give prefixes to, and those it cannot (contract §5.1)."""

import pytest
from traitlets.config import Config

from conda_store_builder.config import check_owner
from conda_store_shared.errors import ConfigurationError


@pytest.mark.parametrize(
    ("options", "uid", "groups"),
    [
        ({"default_uid": 1234, "default_gid": 5678}, 0, (0,)),
        ({"default_uid": 1000, "default_gid": 100}, 1000, (1000, 100)),
        ({"default_uid": None, "default_gid": None}, 1000, (1000,)),
        ({}, 1000, (1000,)),
    ],
)
def test_builder_starts_when_it_can_own_prefixes_as_it_is_told(
    options: dict[str, int | None], uid: int, groups: tuple[int, ...]
) -> None:
    check_owner(Config(CondaStore=options), uid, groups)


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"default_uid": 1234}, "CondaStore.default_uid=1234: "),
        ({"default_uid": 1000, "default_gid": 0}, "CondaStore.default_uid=1000 and CondaStore.default_gid=0: "),
    ],
)
def test_builder_that_is_not_root_refuses_to_give_prefixes_to_others(options: dict[str, int], named: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        check_owner(Config(CondaStore=options), 1000, (1000, 100))
    assert raised.value.message.startswith(f"{named}the builder runs as user 1000 in the groups 100, 1000, and only")
