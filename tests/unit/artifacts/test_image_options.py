"""Options of images are checked and handed on (contract §5.1, §5.5)."""

import pytest
from traitlets import TraitError
from traitlets.config import Config

from conda_store_artifacts.config import read_options
from conda_store_artifacts.domain.fragment import Codec
from conda_store_shared.config.conda_store import CondaStore
from conda_store_shared.config.registry import ContainerRegistry


def image_of(build: object) -> str:
    return f"image of {build}"


def test_base_image_is_a_text_or_a_function_of_the_build() -> None:
    assert CondaStore(default_docker_base_image="debian:12").default_docker_base_image == "debian:12"
    assert CondaStore(default_docker_base_image=image_of).default_docker_base_image(3) == "image of 3"


def test_registries_are_functions_of_their_address() -> None:
    config = Config()
    config.ContainerRegistry.container_registries = {"https://registry.example": image_of}
    config.ContainerRegistry.container_registry_image_name = lambda registry, build: f"{registry}/{build}"
    (target,) = read_options(config).images.targets
    assert (target.address, target.open("x"), target.tag_image) == ("https://registry.example", "image of x", None)
    assert target.name_image is not None
    assert target.name_image("a", 1) == "a/1"


def test_options_of_images_are_handed_on() -> None:
    config = Config()
    config.CondaStore.default_docker_base_image = "debian:12"
    config.CondaStoreServer.registry_external_url = "images.example"
    config.ContainerRegistry.image_compression = "zstd"
    images = read_options(config).images
    assert (images.base, images.registry, images.codec) == ("debian:12", "images.example", Codec.ZSTD)


@pytest.mark.parametrize(
    ("section", "option", "value"),
    [(CondaStore, "default_docker_base_image", 3), (ContainerRegistry, "container_registry_image_tag", "tag"),
     (ContainerRegistry, "container_registry_image_name", 1), (ContainerRegistry, "image_compression", "lzma"),
     (ContainerRegistry, "container_registries", {"https://registry.example": "text"})],
)  # fmt: skip
def test_what_is_neither_is_refused(section: type, option: str, value: object) -> None:
    with pytest.raises(TraitError):
        section(**{option: value})
