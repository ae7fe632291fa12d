"""Options of images, and of the registries that they are pushed to (contract §5.5)."""

from traitlets import Callable, Dict, Enum, Unicode
from traitlets.config import Configurable


class ContainerRegistry(Configurable):
    """How layers of images are kept, and where images are pushed to."""

    container_registries = Dict(
        key_trait=Unicode(),
        value_trait=Callable(),
        help="Registries that images are pushed to when CONTAINER_REGISTRY is among the artifacts, by address, each a "
        "function of the address that returns python_docker's Registry: its hostname, username and password count.",
    ).tag(config=True, secret=True)
    container_registry_image_name = Callable(
        None,
        allow_none=True,
        help="Function of registry and build that names the image; by default it is <username>/<namespace>-<name>.",
    ).tag(config=True)
    container_registry_image_tag = Callable(
        None, allow_none=True, help="Function of registry and build that tags the image; by default the build key."
    ).tag(config=True)
    image_compression = Enum(
        ("gzip", "zstd"),
        "gzip",
        help="How layers of images are compressed.  zstd is smaller and quicker, and can only be pulled by clients of "
        "the OCI format that know it: Docker from 23 on, containerd, podman.",
    ).tag(config=True)
