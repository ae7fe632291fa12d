"""A registry of images as existing configuration files name it, in the words of the package ``python_docker``."""

from dataclasses import dataclass, field


@dataclass(slots=True)
class Registry:
    """Where images are pushed, and as whom; ``hostname`` is an address with its scheme."""

    hostname: str = "https://registry-1.docker.io"
    username: str | None = None
    password: str | None = field(default=None, repr=False)
