"""environment.yaml as a value (contract §2.4)."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conda_store_shared.domain.specification import Specification
from conda_store_shared.errors import InvalidSpecification

WHOLE = {
    "name": "weather",
    "channels": ["conda-forge", "main"],
    "dependencies": ["python=3.11", "numpy", {"pip": ["flask>=2", "--index-url https://pypi.example/simple"]}],
    "description": "rain",
    "prefix": "/somewhere",
    "variables": {"CONDA_OVERRIDE_CUDA": "12.1", "N": 3},
}
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
KEYS = st.sampled_from([*WHOLE, "unknown"])


def test_specification_is_stored_as_it_was_sent_when_it_is_whole() -> None:
    specification = Specification.from_value(WHOLE)
    stored = specification.to_value()
    assert stored == WHOLE
    assert list(stored) == ["channels", "dependencies", "description", "name", "prefix", "variables"]
    assert Specification.from_value(stored) == specification


def test_what_is_missing_has_its_default() -> None:
    assert Specification.from_value({"name": "weather"}).to_value() == {
        "channels": [],
        "dependencies": [],
        "description": "",
        "name": "weather",
        "prefix": None,
        "variables": None,
    }


def test_unknown_keys_are_dropped() -> None:
    assert Specification.from_value({**WHOLE, "comment": "mine"}) == Specification.from_value(WHOLE)


def test_order_of_channels_counts_in_the_digest_and_order_of_keys_does_not() -> None:
    turned = {**WHOLE, "channels": ["main", "conda-forge"]}
    mixed = dict(reversed(WHOLE.items()))
    assert Specification.from_value(WHOLE).sha256 != Specification.from_value(turned).sha256
    assert Specification.from_value(WHOLE).sha256 == Specification.from_value(mixed).sha256


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": None}, "Input should be a valid string (type=string_type, loc=('name',))"),
        ({"channels": "main"}, "Input should be a valid list (type=list_type, loc=('channels',))"),
        ({"channels": ["a", 3]}, "Input should be a valid string (type=string_type, loc=('channels', 1))"),
        ({"dependencies": {"a": 1}}, "Input should be a valid list (type=list_type, loc=('dependencies',))"),
        ({"dependencies": [["a"]]}, "Input should be a valid string (type=string_type, loc=('dependencies', 0))"),
        ({"dependencies": [{"npm": []}]}, "Only a pip section may stand among the dependencies"),
        ({"dependencies": [{"pip": [1]}]}, "loc=('dependencies', 0, 'pip', 0)"),
        ({"dependencies": [{"pip": "flask"}]}, "loc=('dependencies', 0, 'pip')"),
        ({"description": []}, "loc=('description',)"),
        ({"variables": {"a": 1.5}}, "loc=('variables', 'a')"),
        ({"variables": {"a": True}}, "loc=('variables', 'a')"),
        ({"variables": {1: "a"}}, "loc=('variables',)"),
        ({"channels": ["a\x00"]}, "NUL"),
        ({"description": "\ud800"}, "surrogate"),
    ],
)
def test_refusal_names_the_place(change: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidSpecification) as raised:
        Specification.from_value({**WHOLE, **change})
    assert message in raised.value.message


def test_refusal_names_every_place_on_a_line_of_its_own() -> None:
    document = {"channels": ["a", 3], "dependencies": [{"pip": 1}, {"npm": 1}, []], "description": 3, "variables": []}
    with pytest.raises(InvalidSpecification) as raised:
        Specification.from_value(document)
    assert sorted(raised.value.message.split("\n")) == [
        "Field required (type=missing, loc=('name',))",
        "Input should be a valid dictionary (type=dict_type, loc=('variables',))",
        "Input should be a valid list (type=list_type, loc=('dependencies', 0, 'pip'))",
        "Input should be a valid string (type=string_type, loc=('channels', 1))",
        "Input should be a valid string (type=string_type, loc=('dependencies', 2))",
        "Input should be a valid string (type=string_type, loc=('description',))",
        "Only a pip section may stand among the dependencies (type=extra, loc=('dependencies', 1))",
    ]


def test_refusal_stays_short_when_everything_is_wrong() -> None:
    with pytest.raises(InvalidSpecification) as raised:
        Specification.from_value({"name": "weather", "channels": [1] * 30_000})
    assert len(raised.value.message.split("\n")) == 51
    assert raised.value.message.endswith("… and 29950 more")


@given(st.dictionaries(KEYS, JSON_VALUES))
def test_anything_is_read_or_refused_and_nothing_crashes(value: dict[str, Any]) -> None:
    for document in (value, {**WHOLE, **value}):
        try:
            specification = Specification.from_value(document)
        except InvalidSpecification:
            continue
        assert Specification.from_value(json.loads(json.dumps(specification.to_value()))) == specification
        assert len(specification.sha256) == 64


@given(JSON_VALUES)
def test_what_is_no_mapping_is_refused(value: Any) -> None:
    if not isinstance(value, dict):
        with pytest.raises(InvalidSpecification):
            Specification.from_value(value)
