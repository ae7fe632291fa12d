"""The image of a build: layers shared with others, and a few documents over them."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from conda_store_artifacts.domain.fragment import Codec
from conda_store_artifacts.domain.image import ImageRecord
from conda_store_artifacts.use_cases.discard_artifacts import discard_artifacts
from conda_store_artifacts.use_cases.image_tools import PushTarget
from conda_store_shared.compat.registry import Registry
from conda_store_shared.contracts.events import ArtifactDiscardRequested
from conda_store_shared.db.engine import Database
from conda_store_shared.domain.storage_keys import image_blob_key, image_record_key, keys_of_build
from conda_store_shared.errors import StageFailure
from tests.unit.artifacts.artifact_builders import BUILD_KEY, StoredBuild, an_order
from tests.unit.artifacts.fragment_world import locked
from tests.unit.artifacts.image_builds import AMD64, ARM64, ImageBuild, a_lock, an_image_build, publish_base
from tests.unit.artifacts.image_world import PlainLayers

DEBIAN = "registry.example/debian"
MANIFEST_KEY = f"docker/manifest/{BUILD_KEY}"
REMEDY = "correct CondaStore.default_docker_base_image, or set it to 'builtin' to do without"

pytestmark = pytest.mark.slow


@pytest.fixture
async def image(database: Database, tmp_path: Path) -> AsyncIterator[ImageBuild]:
    async with an_image_build(database, tmp_path) as image:
        yield image


async def test_image_is_a_base_then_packages_then_what_activates_them(image: ImageBuild) -> None:
    stored = await image.make()
    manifest = await image.manifest()
    base, *packages, activation = await image.layers(manifest)
    assert base == "bin/sh"
    # The largest first.
    assert packages == ["layer of python 3.11.7", "layer of flask 1.0", "layer of zlib 1.0"]
    assert "opt/conda/etc/conda/entrypoint.sh" in activation
    assert (stored.key, stored.digest) == (MANIFEST_KEY, (await image.record()).choices[0].digest)
    assert stored.size > sum(layer["size"] for layer in manifest["layers"])


async def test_configuration_says_where_the_image_came_from(image: ImageBuild) -> None:
    order = an_order(specification={"variables": {"GREETING": "hello", "CONDA_OVERRIDE_CUDA": "12"}})
    image.build = StoredBuild(lockfile=a_lock(), order=order)
    image.with_options(registry="images.example")
    await image.make()
    config = await image.config(await image.manifest())
    revision = f"sha256:{image.build.lockfile.digest}"
    assert config["config"]["Labels"] == {
        "conda_store": "0.0.1",
        "org.opencontainers.image.title": "team/weather",
        "org.opencontainers.image.source": "images.example/team/weather",
        "org.opencontainers.image.revision": revision,
        "org.opencontainers.image.created": "1970-01-01T00:00:00Z",
    }
    assert "GREETING=hello" in config["config"]["Env"]
    assert not [entry for entry in config["config"]["Env"] if "OVERRIDE" in entry]
    assert len(config["history"]) == len(config["rootfs"]["diff_ids"]) == 5


async def test_image_is_the_same_when_it_is_made_again(image: ImageBuild) -> None:
    first = await image.make()
    for key in (MANIFEST_KEY, image_record_key(BUILD_KEY)):
        await image.world.store.delete(key)
    again = await image.make()
    assert (again.digest, again.size) == (first.digest, first.size)
    assert len(image.world.maker.orders) == 1


async def test_image_that_is_there_is_only_told_again(image: ImageBuild) -> None:
    first = await image.make()
    lines = len(image.context.lines)
    again = await image.make()
    assert (again.digest, again.size, again.key) == (first.digest, first.size, first.key)
    assert len(image.context.lines) == lines


async def test_layer_whose_object_is_gone_is_made_again(image: ImageBuild) -> None:
    first = await image.make()
    for layer in (await image.manifest())["layers"]:
        await image.world.store.delete(image_blob_key(layer["digest"].removeprefix("sha256:")))
    await image.world.store.delete(MANIFEST_KEY)
    assert (await image.make()).digest == first.digest
    assert len(await image.layers(await image.manifest())) == 5
    assert "is gone or damaged, and made again" in image.log


async def test_image_needs_its_blobs_until_it_is_discarded(image: ImageBuild) -> None:
    await image.make()
    manifest = await image.manifest()
    needed = await image.world.used_by(7)
    named = {entry["digest"].removeprefix("sha256:") for entry in (manifest["config"], *manifest["layers"])}
    assert named < needed
    request = ArtifactDiscardRequested(build_id=7, build_key=BUILD_KEY, keys=keys_of_build(BUILD_KEY))
    await discard_artifacts(request, store=image.world.store, transactions=image.tools.transactions)
    assert await image.world.used_by(7) == set()
    assert [await image.world.store.head(key) for key in (MANIFEST_KEY, image_record_key(BUILD_KEY))] == [None, None]


async def test_prefix_tells_what_link_scripts_and_others_added(image: ImageBuild) -> None:
    await image.make(a_lock(*(locked(name) for name in ("python", "link-script"))))
    *_, rest, _activation = await image.layers(await image.manifest())
    assert rest == "rest of prefix but "
    assert "looking into an installed prefix, since link-script has a link script" in image.log


async def test_small_packages_share_layers_when_there_are_too_many(image: ImageBuild) -> None:
    await image.make(a_lock(*(locked(f"package-{number}") for number in range(130))))
    layers = await image.layers(await image.manifest())
    assert len(layers) <= 125
    assert any("+" in layer for layer in layers)
    assert sum(layer.count("layer of package-") for layer in layers) == 130


async def test_layers_are_compressed_by_zstd_when_that_is_set(image: ImageBuild) -> None:
    image.with_options(codec=Codec.ZSTD)
    await image.make()
    manifest = await image.manifest()
    assert manifest["mediaType"] == "application/vnd.oci.image.manifest.v1+json"
    assert {layer["mediaType"] for layer in manifest["layers"]} == {"application/vnd.oci.image.layer.v1.tar+zstd"}
    assert image.world.maker.orders[0].format.codec == Codec.ZSTD


async def test_platforms_without_a_base_are_left_out_and_the_log_says_why(image: ImageBuild) -> None:
    await image.make(a_lock(platforms=("osx-arm64", "linux-aarch64", "linux-64")))
    assert "config" in await image.manifest()
    assert "linux-aarch64 has no image, since the built-in base is for the platform of the workers alone" in image.log
    assert "osx-arm64 has no image, since images are for Linux alone" in image.log


async def test_base_of_another_machine_is_no_base(image: ImageBuild) -> None:
    layers = PlainLayers()
    layers.machine = ARM64
    image.tools = replace(image.tools, images=replace(image.tools.images, layers=layers))
    with pytest.raises(StageFailure, match="the built-in base is for the platform of the workers alone"):
        await image.make()


async def test_image_that_no_platform_can_have_fails_with_the_reasons(image: ImageBuild) -> None:
    with pytest.raises(StageFailure, match="win-64 has no image, since images are for Linux alone") as raised:
        await image.make(a_lock(platforms=("win-64",)))
    assert raised.value.cause == "image_not_possible"


async def test_platforms_of_one_lock_are_in_one_index(image: ImageBuild) -> None:
    publish_base(image.registries, DEBIAN, ARM64, AMD64)
    image.with_options(base=f"{DEBIAN}:12")
    await image.make(a_lock(platforms=("linux-aarch64", "linux-64")))
    index = await image.manifest()
    assert [entry["platform"]["architecture"] for entry in index["manifests"]] == ["amd64", "arm64"]
    bases = []
    for entry in index["manifests"]:
        manifest = await image.document(entry["digest"])
        bases.append((await image.layers(manifest))[0])
        assert (await image.config(manifest))["architecture"] == entry["platform"]["architecture"]
    assert bases == ["base for linux/amd64", "base for linux/arm64/v8"]


async def test_platform_whose_packages_need_a_prefix_is_left_out(image: ImageBuild) -> None:
    publish_base(image.registries, DEBIAN, ARM64, AMD64)
    image.with_options(base=f"{DEBIAN}:12")
    await image.make(a_lock(locked("link-script"), platforms=("linux-aarch64", "linux-64")))
    assert "config" in await image.manifest()
    assert "linux-aarch64 has no image, since link-script has a link script" in image.log


@pytest.mark.parametrize("named", ["tag", "digest", "function"])
async def test_image_stands_upon_the_base_that_the_option_names(image: ImageBuild, named: str) -> None:
    digest = publish_base(image.registries, DEBIAN, AMD64)
    base: Any = {
        "tag": f"{DEBIAN}:12",
        "digest": f"{DEBIAN}@sha256:{digest}",
        "function": lambda build: f"{DEBIAN}:12" if build.environment.namespace.name == "team" else None,
    }[named]
    image.with_options(base=base)
    await image.make()
    manifest = await image.manifest()
    config = await image.config(manifest)
    assert (await image.layers(manifest))[0] == "base for linux/amd64"
    assert {"PATH=/opt/conda/bin:/base/bin", "LANG=C.UTF-8"} <= set(config["config"]["Env"])
    assert f"base image {DEBIAN}@sha256:{digest}" in image.log
    record = await image.record()
    oci = await image.document(record.choices[1].digest)
    assert oci["annotations"]["org.opencontainers.image.base.name"] == DEBIAN


async def test_layer_of_the_base_is_fetched_once(image: ImageBuild) -> None:
    publish_base(image.registries, DEBIAN, AMD64)
    image.with_options(base=f"{DEBIAN}:12")
    await image.make()
    await image.world.store.delete(MANIFEST_KEY)
    await image.make()
    assert image.log.count("of the base image, ") == 1


async def test_base_is_fetched_as_whom_the_registries_of_the_configuration_know(image: ImageBuild) -> None:
    publish_base(image.registries, DEBIAN, AMD64)
    target = PushTarget(address="https://registry.example", open=lambda url: Registry(url, "us", "hidden"))
    image.with_options(base=f"{DEBIAN}:12", targets=(target,))
    await image.make()
    assert image.registries.accounts == {("us", "hidden")}
    assert "hidden" not in image.log


def broken(_build: object) -> str:
    raise RuntimeError("a password of somebody")


@pytest.mark.parametrize(
    ("base", "reason"),
    [
        ("Not An Image", "'Not An Image' is no name of an image; expected registry/name:tag"),
        (f"{DEBIAN}:13", f"the base image {DEBIAN} cannot be had: registry registry.example knows no debian"),
        (lambda build: 3, "3 is no name of an image"),
        (broken, "the function that CondaStore.default_docker_base_image names failed"),
    ],
)
async def test_base_that_cannot_be_had_fails_the_image_and_names_the_remedy(
    image: ImageBuild, base: Any, reason: str
) -> None:
    image.with_options(base=base)
    with pytest.raises(StageFailure) as raised:
        await image.make()
    assert raised.value.detail.startswith(reason)
    assert REMEDY in raised.value.detail or base is broken
    assert "password" not in raised.value.detail


async def test_base_for_other_platforms_alone_is_no_base(image: ImageBuild) -> None:
    publish_base(image.registries, DEBIAN, ARM64)
    image.with_options(base=f"{DEBIAN}:12")
    with pytest.raises(StageFailure, match=f"linux-64 has no image, since the base image {DEBIAN} has none for"):
        await image.make()


def test_record_is_read_as_it_was_written() -> None:
    record = ImageRecord(choices=(), size=12)
    assert ImageRecord.from_bytes(record.to_bytes()) == record
