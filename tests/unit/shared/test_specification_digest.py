"""What makes two specifications the same (decision 0006)."""

from typing import Any

from conda_store_shared.domain.specification import Specification


def digest(**changes: Any) -> str:
    value: dict[str, Any] = {
        "name": "first",
        "channels": ["conda-forge", "bioconda"],
        "dependencies": ["python", "numpy", {"pip": ["rich"]}],
        "variables": {"A": "1", "B": "2"},
    }
    return Specification.from_value({**value, **changes}).sha256


def test_specifications_differ_when_their_channels_have_another_priority() -> None:
    assert digest(channels=["bioconda", "conda-forge"]) != digest()


def test_specifications_differ_when_their_dependencies_stand_in_another_order() -> None:
    assert digest(dependencies=["numpy", "python", {"pip": ["rich"]}]) != digest()


def test_specifications_are_the_same_when_their_keys_stand_in_another_order() -> None:
    assert digest(variables={"B": "2", "A": "1"}) == digest()


def test_specifications_are_the_same_when_only_unknown_keys_differ() -> None:
    assert digest(comment="mine") == digest()
