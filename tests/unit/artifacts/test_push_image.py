"""Images sent to registries of others."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from conda_store_artifacts.use_cases.image_tools import PushTarget
from conda_store_shared.compat.registry import Registry
from conda_store_shared.db.engine import Database
from conda_store_shared.errors import StageFailure
from tests.unit.artifacts.artifact_builders import BUILD_KEY
from tests.unit.artifacts.image_builds import AMD64, ARM64, ImageBuild, a_lock, an_image_build, publish_base

ADDRESS = "https://registry.example"
PASSWORD = "never-to-be-told"

pytestmark = pytest.mark.slow


@pytest.fixture
async def image(database: Database, tmp_path: Path) -> AsyncIterator[ImageBuild]:
    async with an_image_build(database, tmp_path) as image:
        yield image


def a_target(address: str = ADDRESS, username: str | None = "us", **functions: Any) -> PushTarget:
    return PushTarget(address=address, open=lambda url: Registry(url, username, PASSWORD), **functions)


async def push(image: ImageBuild, *targets: PushTarget) -> list[str]:
    """Push the image; return where it is."""
    image.with_options(targets=targets)
    stored = await image.make(artifact_type="CONTAINER_REGISTRY")
    return [stored.key, *stored.further_keys]


async def test_image_is_pushed_under_the_name_of_its_environment_and_the_key_of_its_build(image: ImageBuild) -> None:
    assert await push(image, a_target()) == [f"{ADDRESS}/us/team-weather:{BUILD_KEY}"]
    manifest = json.loads(image.registries.documents["registry.example/us/team-weather", BUILD_KEY].content)
    named = [manifest["config"], *manifest["layers"]]
    assert {entry["digest"].removeprefix("sha256:") for entry in named} == set(image.registries.blobs)
    assert image.registries.accounts == {("us", PASSWORD)}
    assert PASSWORD not in image.log


async def test_image_is_pushed_as_the_options_say(image: ImageBuild) -> None:
    target = a_target(
        name_image=lambda registry, build: f"{registry.username}/{build.environment.name}",
        tag_image=lambda registry, build: f"build-{build.id}",
    )
    assert await push(image, target) == [f"{ADDRESS}/us/weather:build-7"]


async def test_image_is_pushed_to_every_registry(image: ImageBuild) -> None:
    keys = await push(image, a_target(), a_target("https://other.example", username=None))
    assert keys == [f"{ADDRESS}/us/team-weather:{BUILD_KEY}", f"https://other.example/team-weather:{BUILD_KEY}"]


async def test_blobs_that_are_there_are_not_sent_again(image: ImageBuild) -> None:
    await push(image, a_target())
    await push(image, a_target())
    assert "6 of 6 blobs were new there" in image.log
    assert "0 of 6 blobs were new there" in image.log


async def test_every_platform_is_pushed_below_one_index(image: ImageBuild) -> None:
    publish_base(image.registries, "base.example/debian", AMD64, ARM64)
    image.with_options(base="base.example/debian:12", targets=(a_target(),))
    await image.make(a_lock(platforms=("linux-64", "linux-aarch64")), "CONTAINER_REGISTRY")
    name = "registry.example/us/team-weather"
    index = json.loads(image.registries.documents[name, BUILD_KEY].content)
    assert len(index["manifests"]) == 2
    assert all((name, entry["digest"]) in image.registries.documents for entry in index["manifests"])


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        (None, "there is no registry to push to; set ContainerRegistry.container_registries"),
        (a_target(name_image=lambda registry, build: "No Name"), "container_registry_image_name gives 'No Name'"),
        (a_target(tag_image=lambda registry, build: None), "container_registry_image_tag gives None"),
        (a_target(tag_image=lambda registry: "1"), "ContainerRegistry.container_registry_image_tag names failed"),
        (a_target("ftp://registry.example"), "returns a registry without a usable hostname"),
    ],
)
async def test_push_that_cannot_be_says_what_to_correct(
    image: ImageBuild, target: PushTarget | None, reason: str
) -> None:
    with pytest.raises(StageFailure) as raised:
        await push(image, *[target] if target else [])
    assert reason in raised.value.detail
    assert (raised.value.cause, raised.value.transient) == ("image_not_possible", False)
    assert PASSWORD not in raised.value.detail


async def test_registry_that_refuses_keeps_no_other_from_its_image(image: ImageBuild) -> None:
    image.registries.refused.add("other.example")
    with pytest.raises(StageFailure, match=r"registry other\.example refuses"):
        await push(image, a_target("https://other.example"), a_target())
    assert ("registry.example/us/team-weather", BUILD_KEY) in image.registries.documents
