"""What holds for an environment, of what the deployment, its namespace and it itself say (contract §2.6, §4.9)."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from pydantic import ValidationError

from conda_store_shared.config.conda_store import CondaStore, current_platform
from conda_store_shared.domain.settings import GLOBAL_KEYS, Settings, effective_settings, parse_settings
from tests.unit.shared.settings_builders import DEFAULTS, LOCAL_OVERRIDES, OVERRIDES, some_settings

Values = Mapping[str, Any]


@given(globally=OVERRIDES, namespace=OVERRIDES, environment=OVERRIDES)
def test_nearest_level_decides_each_setting(globally: Values, namespace: Values, environment: Values) -> None:
    effective = effective_settings(some_settings(), globally, namespace, environment).model_dump(mode="json")
    for key in DEFAULTS:
        levels = [DEFAULTS, globally] if key in GLOBAL_KEYS else [DEFAULTS, globally, namespace, environment]
        assert effective[key] == next(level[key] for level in reversed(levels) if key in level)


@given(globally=OVERRIDES, namespace=LOCAL_OVERRIDES)
def test_settings_of_a_namespace_hold_for_an_environment_that_sets_none(globally: Values, namespace: Values) -> None:
    effective = effective_settings(some_settings(), globally, namespace)
    assert effective == effective_settings(some_settings(), globally, namespace, {})
    assert effective == effective_settings(effective, {}, namespace)


@given(stored=OVERRIDES)
def test_value_is_the_same_after_it_was_kept(stored: Values) -> None:
    assert parse_settings(stored) == stored


def test_settings_are_all_those_that_clients_know_in_their_order() -> None:
    assert list(Settings.model_fields) == list(DEFAULTS)
    assert set(list(DEFAULTS)[:11]) == GLOBAL_KEYS


def test_defaults_are_the_options_of_the_same_names() -> None:
    store = CondaStore()
    own = {
        "default_uid": store.default_uid,
        "default_gid": store.default_gid,
        "conda_platforms": [current_platform(), "noarch"],
        "conda_solve_platforms": [current_platform()],
    }
    assert {key: getattr(store, key) for key in DEFAULTS} == {**DEFAULTS, **own}


@pytest.mark.parametrize(
    ("key", "value", "kept"),
    [
        ("conda_max_solve_time", "60", 60),
        ("conda_max_solve_time", 60.0, 60),
        ("storage_threshold", 0, 0),
        ("default_uid", None, None),
        ("default_permissions", "700", "700"),
        ("build_artifacts", ["YAML"], ["YAML"]),
    ],
)
def test_value_is_converted_to_its_type(key: str, value: Any, kept: Any) -> None:
    assert parse_settings({key: value}) == {key: kept}


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("conda_max_solve_time", 0),
        ("conda_max_solve_time", "soon"),
        ("conda_max_solve_time", None),
        ("default_uid", -1),
        ("default_uid", 2**32 - 1),
        ("default_permissions", "888"),
        ("default_permissions", "0775"),
        ("default_permissions", 775),
        ("default_namespace", "a/b"),
        ("default_namespace", ".."),
        ("conda_default_channels", "conda-forge"),
        ("conda_default_channels", [""]),
        ("conda_default_channels", [3]),
        ("conda_default_packages", ["num\x00py"]),
        ("build_artifacts", ["ZIP"]),
        ("storage_threshold", 2**63),
        ("conda_required_packages", ["numpy"] * 1001),
        ("unknown", 1),
    ],
)
def test_value_is_refused_by_name_when_it_does_not_fit(key: str, value: Any) -> None:
    with pytest.raises(ValidationError, match=key):
        parse_settings({key: value})


def test_stored_value_is_passed_over_when_it_fits_no_more() -> None:
    globally = {"default_docker_base_image": "debian", "conda_max_solve_time": "soon", "conda_command": "micromamba"}
    assert effective_settings(some_settings(), globally) == some_settings(conda_command="micromamba")
