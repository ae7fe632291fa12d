"""Options of the registries that images are pushed to (contract §5.5)."""

from traitlets import Callable, Dict, Unicode
from traitlets.config import Configurable

_LATER = "Takes effect with images of environments, which there are none of yet."


class ContainerRegistry(Configurable):
    """Where images of environments are pushed to."""

    container_registries = Dict(
        key_trait=Unicode(),
        value_trait=Callable(),
        help="Registries by address, each a function of the address that returns python_docker's Registry.  " + _LATER,
    ).tag(config=True, secret=True)
    container_registry_image_name = Callable(
        None, allow_none=True, help="Function of registry and build that names the image.  " + _LATER
    ).tag(config=True)
    container_registry_image_tag = Callable(
        None, allow_none=True, help="Function of registry and build that tags the image.  " + _LATER
    ).tag(config=True)
