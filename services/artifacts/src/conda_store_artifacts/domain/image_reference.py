"""Names of images in registries, as people write them."""

import re
from dataclasses import dataclass, field
from urllib.parse import urlsplit

_DOCKER_HUB = "registry-1.docker.io"
_HUB_NAMES = frozenset({"docker.io", "index.docker.io", _DOCKER_HUB})
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_NAME = re.compile(r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*")
_TAG = re.compile(r"\w[\w.-]{0,127}", re.ASCII)
_LOOPBACK = re.compile(r"(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])(?::\d+)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Repository:
    """Where images of one name are: ``address`` is the registry's with its scheme, and without a path."""

    address: str
    name: str
    username: str | None = None
    password: str | None = field(default=None, repr=False)

    @property
    def host(self) -> str:
        """Host and port of the registry."""
        return urlsplit(self.address).netloc


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageReference:
    """An image: ``reference`` is a tag, or a digest with ``sha256:`` in front."""

    repository: Repository
    reference: str

    @classmethod
    def parse(cls, text: str) -> "ImageReference":
        """Read ``[registry/]name[:tag][@digest]`` as docker does; raises ValueError."""
        rest, _, digest = text.partition("@")
        first, _, name = rest.partition("/")
        if name and (first == "localhost" or "." in first or ":" in first):
            registry = first
        else:
            registry, name = _DOCKER_HUB, rest
        name, _, tag = name.partition(":")
        if registry in _HUB_NAMES:
            registry, name = _DOCKER_HUB, name if "/" in name else f"library/{name}"
        if not is_image_name(name) or (tag and not is_tag(tag)) or (digest and not _DIGEST.fullmatch(digest)):
            raise ValueError(f"{text!r} is no name of an image; expected registry/name:tag or registry/name@sha256:…")
        scheme = "http" if _LOOPBACK.fullmatch(registry) else "https"
        repository = Repository(address=f"{scheme}://{registry}", name=name)
        return cls(repository=repository, reference=digest or tag or "latest")

    @property
    def digest(self) -> str | None:
        """The digest (hex) the image is named by; None when it is named by a tag."""
        return self.reference.removeprefix("sha256:") if self.reference.startswith("sha256:") else None

    @property
    def name(self) -> str:
        """The image without its tag or digest, with its registry."""
        return f"{self.repository.host}/{self.repository.name}"


def is_image_name(name: str) -> bool:
    """Whether registries take this name."""
    return len(name) <= 255 and _NAME.fullmatch(name) is not None


def is_tag(tag: str) -> bool:
    """Whether registries take this tag."""
    return _TAG.fullmatch(tag) is not None


def usual_image_name(namespace: str, environment: str, username: str | None) -> str:
    """The name of an environment's image where nothing else is set, of letters that registries take."""
    name = re.sub(r"[^a-z0-9]+", "-", f"{namespace}-{environment}".lower()).strip("-") or "environment"
    return f"{username.lower()}/{name}" if username else name


def usual_tag(build_key: str) -> str:
    """The tag of a build's image where nothing else is set, of letters that registries take."""
    return re.sub(r"[^\w.-]", "-", build_key, flags=re.ASCII).lstrip(".-")[:128]
