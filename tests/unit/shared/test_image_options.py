"""Options of images are checked and handed on, and say that there are no images yet (contract §5.1, §5.5)."""

import pytest
from traitlets import TraitError
from traitlets.config import Config

from conda_store_shared.config.conda_store import CondaStore
from conda_store_shared.config.registry import ContainerRegistry
from conda_store_shared.config.sections import options_of

REGISTRY = ("container_registries", "container_registry_image_name", "container_registry_image_tag")
OPTIONS = [(CondaStore, "default_docker_base_image"), *((ContainerRegistry, option) for option in REGISTRY)]


def image_of(build: object) -> str:
    return f"image of {build}"


def test_base_image_is_a_text_or_a_function_of_the_build() -> None:
    assert CondaStore(default_docker_base_image="debian:12").default_docker_base_image == "debian:12"
    assert CondaStore(default_docker_base_image=image_of).default_docker_base_image(3) == "image of 3"


def test_registries_are_functions_of_their_address() -> None:
    config = Config()
    config.ContainerRegistry.container_registries = {"https://registry.example": image_of}
    config.ContainerRegistry.container_registry_image_name = lambda registry, build: f"{registry}/{build}"
    section = ContainerRegistry(config=config)
    assert section.container_registries["https://registry.example"]("x") == "image of x"
    assert section.container_registry_image_name("a", 1) == "a/1"


@pytest.mark.parametrize(
    ("section", "option", "value"),
    [(CondaStore, "default_docker_base_image", 3), (ContainerRegistry, "container_registry_image_tag", "tag"),
     (ContainerRegistry, "container_registry_image_name", 1),
     (ContainerRegistry, "container_registries", {"https://registry.example": "text"})],
)  # fmt: skip
def test_what_is_neither_is_refused(section: type, option: str, value: object) -> None:
    with pytest.raises(TraitError):
        section(**{option: value})


@pytest.mark.parametrize(("section", "option"), OPTIONS)
def test_help_says_that_there_are_no_images_yet(section: type[CondaStore], option: str) -> None:
    assert "Takes effect with images of environments, which there are none of yet." in options_of(section)[option].help
