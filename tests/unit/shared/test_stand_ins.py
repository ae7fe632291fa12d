"""Base images: what our own files name, and what the tests make in its place."""

import re
from pathlib import Path

import yaml

from conda_store_shared.testing.servers.compose import ROOT
from conda_store_shared.testing.servers.stand_ins import DEBIAN, RECIPES

DOCKERFILES = [ROOT / "deploy" / "Dockerfile", *sorted((ROOT / "deploy").glob("*/Dockerfile"))]
SERVICES = yaml.safe_load((ROOT / "docker-compose.yaml").read_text())["services"]


def bases(dockerfile: Path) -> set[str]:
    """The images that a Dockerfile starts from."""
    return set(re.findall(r"^FROM (\S+)", dockerfile.read_text(), flags=re.MULTILINE))


def test_base_images_are_those_that_our_files_name() -> None:
    named = set().union(*map(bases, DOCKERFILES))
    named |= {service["image"] for service in SERVICES.values() if not service["image"].startswith("conda-store-")}
    assert named == {DEBIAN, *RECIPES}


def test_base_images_have_exact_tags() -> None:
    assert all(re.search(r":\d+\.\d+(\.\d+)?(-|$)", image) for image in (DEBIAN, *RECIPES))


def test_every_image_of_ours_is_built_where_it_is_used_since_no_registry_has_it() -> None:
    ours = {name for name, service in SERVICES.items() if service["image"].startswith("conda-store-")}
    assert {name for name in ours if "build" not in SERVICES[name]} == set()
