"""What images are made with, besides what all artifacts are."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from conda_store_artifacts.domain.fragment import Codec, FragmentFormat, FragmentKind
from conda_store_artifacts.ports import LayerMaker, Registries

BUILT_IN = "builtin"


@dataclass(frozen=True, slots=True, kw_only=True)
class PushTarget:
    """A registry that images are pushed to: ``open`` tells by its address who we are there.

    ``name_image`` and ``tag_image`` are functions of that and of the build; None for the usual name and tag.
    """

    address: str
    open: Callable[[str], Any]
    name_image: Callable[[Any, Any], Any] | None = None
    tag_image: Callable[[Any, Any], Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageOptions:
    """How images are made.

    ``base`` is ``builtin``, the name of an image, or a function of the build that tells either; ``registry`` is where
    users pull from.  ``levels`` are those of the codecs.
    """

    base: str | Callable[[Any], Any] = BUILT_IN
    codec: Codec = Codec.GZIP
    levels: Mapping[Codec, int] = field(default_factory=lambda: {Codec.GZIP: 1, Codec.ZSTD: 3})
    registry: str = "localhost:8080"
    targets: tuple[PushTarget, ...] = ()

    @property
    def format(self) -> FragmentFormat:
        """How layers are wanted."""
        return FragmentFormat(kind=FragmentKind.LAYER, codec=self.codec, level=self.levels[self.codec])


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageTools:
    """``registries`` opens a client of registries, which is needed for base images and pushes alone."""

    options: ImageOptions
    layers: LayerMaker
    registries: Callable[[], Registries]
