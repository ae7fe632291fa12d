"""Keys of the object store, and what lies under two of them (contract §4.4, design §3.4)."""

import dataclasses

import pytest

from conda_store_shared.domain.artifact import ArtifactType
from conda_store_shared.domain.order import Order, PrefixOrder, SolveOrder
from conda_store_shared.domain.prefix_record import InstalledPackage, PrefixRecord
from conda_store_shared.domain.storage_keys import (
    artifact_key,
    build_key_of,
    canceled_key,
    content_type_of,
    order_key,
    prefix_record_key,
)

KEY = "12345678-1700000000-7-weather"


@pytest.mark.parametrize(
    ("artifact_type", "key", "content_type"),
    [
        (ArtifactType.LOGS, f"logs/{KEY}.log", "text/plain; charset=utf-8"),
        (ArtifactType.LOCKFILE, f"lockfile/{KEY}.yml", "application/json"),
        (ArtifactType.YAML, f"yaml/{KEY}.yml", "text/yaml"),
        (ArtifactType.CONDA_PACK, f"archive/{KEY}.tar.gz", "application/gzip"),
    ],
)
def test_artifact_has_the_key_that_users_know(artifact_type: ArtifactType, key: str, content_type: str) -> None:
    assert artifact_key(artifact_type, KEY) == key
    assert content_type_of(key) == content_type
    assert build_key_of(key) == KEY


def test_artifact_has_no_key_when_it_is_no_single_object() -> None:
    with pytest.raises(KeyError):
        artifact_key(ArtifactType.DIRECTORY, KEY)


@pytest.mark.parametrize(
    "key",
    [order_key(KEY), prefix_record_key(KEY), canceled_key(KEY), "logs/.log", "logs/x.yml", "x", "", "/logs/x.log"],
)
def test_key_is_nobodys_business_when_it_is_no_artifact(key: str) -> None:
    assert build_key_of(key) is None


def test_no_key_is_the_directory_of_another() -> None:
    keys = [artifact_key(each, KEY) for each in (ArtifactType.LOGS, ArtifactType.LOCKFILE, ArtifactType.YAML)]
    keys += [order_key(KEY), prefix_record_key(KEY), canceled_key(KEY)]
    assert len(set(keys)) == len(keys)
    assert not any(other.startswith(f"{key}/") for key in keys for other in keys)


def an_order() -> Order:
    return Order(
        build_id=7,
        build_key=KEY,
        namespace="team",
        environment="weather",
        solve=SolveOrder(
            specification={"name": "weather", "channels": [], "dependencies": ["python", {"pip": ["flask"]}]},
            channels=("https://conda.anaconda.org/conda-forge",),
            allowed_channels=("https://conda.anaconda.org/conda-forge",),
            platforms=("linux-64",),
            virtual_packages={"linux-64": {"__cuda": "12"}},
            lockfile={"version": 1, "package": []},
            deadline=300,
        ),
        prefix=PrefixOrder(platform="linux-64", path="/p", link=None, uid=1, gid=2, permissions="775", deadline=1.5),
        artifacts=("YAML", "CONDA_PACK"),
        artifact_deadline=60,
    )


def test_order_is_read_as_it_was_written() -> None:
    order = an_order()
    assert Order.from_bytes(order.to_bytes()) == order
    assert Order.from_value(order.to_value()) == order
    assert Order.from_bytes(order.to_bytes()).digest == order.digest
    assert dataclasses.replace(order, environment="rain").digest != order.digest


def test_record_is_read_as_it_was_written() -> None:
    values = {field.name: 1 if field.type is int else "x" for field in dataclasses.fields(InstalledPackage)}
    package = InstalledPackage(**{**values, "depends": ("a", "b"), "constrains": (), "license": None})  # type: ignore[arg-type]
    record = PrefixRecord(path="/p", apparent_bytes=2**40, unique_bytes=1, packages=(package, package))
    assert PrefixRecord.from_bytes(record.to_bytes()) == record
    assert PrefixRecord.from_bytes(record.to_bytes()).digest == record.digest
