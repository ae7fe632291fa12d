"""Images, secrets and configuration are those of docker-compose.yaml, which is run."""

import re
from collections.abc import Mapping
from typing import Any

import yaml

from conda_store_shared.contracts.topology import SERVICES
from tests.kubernetes.configuration import mounted
from tests.kubernetes.manifests import COMPONENTS, CONFIGURATION, ROOT, Layout

COMPOSE: Mapping[str, Any] = yaml.safe_load((ROOT / "docker-compose.yaml").read_text())["services"]
COMPOSE_CONFIGURATION = ROOT / "deploy" / "compose" / "conda_store_config.py"
# A bucket of the cluster's own, elsewhere.
ONLY_HERE = {"S3Storage.region", "S3Storage.external_secure"}


def options(text: str) -> set[str]:
    """The options that a configuration file sets."""
    return {one or other for one, other in re.findall(r'^(?:c\.(\w+\.\w+) =|    "(\w+\.\w+)":)', text, re.MULTILINE)}


def test_the_same_options_are_set() -> None:
    here, there = options(CONFIGURATION.read_text()), options(COMPOSE_CONFIGURATION.read_text())
    assert len(there) > len(SERVICES)
    assert here - there == ONLY_HERE
    assert there - here == set()


def test_the_same_images_are_run(layout: Layout) -> None:
    images = {name: COMPOSE[name]["image"].partition(":")[0] for name in (*COMPONENTS, "migrate")}
    assert {name: container["image"] for name, container in layout.containers().items()} == images


def test_each_service_sees_the_secrets_that_it_sees_there(layout: Layout) -> None:
    for service in SERVICES:
        seen = {one if isinstance(one, str) else one["target"] for one in COMPOSE[service]["secrets"]}
        assert set(mounted(layout, service)) == seen


def test_directories_that_are_written_are_those_that_are_written_there(layout: Layout) -> None:
    for service in SERVICES:
        mounts = {mount["mountPath"] for mount in layout.containers()[service]["volumeMounts"]}
        volumes = [volume.split(":") for volume in COMPOSE[service]["volumes"]]
        written = {parts[1] for parts in volumes if parts[-1] != "ro"}
        assert written <= mounts
        assert "/tmp" in mounts
