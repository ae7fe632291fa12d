"""The configuration of an image: what is run in it, and how it came to be."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from conda_store_artifacts.domain.fragment import IMAGE_PREFIX
from conda_store_artifacts.domain.image_platform import ImagePlatform
from conda_store_artifacts.domain.oci_manifest import Layer
from conda_store_shared.domain.canonical import canonical_json

PREFIX = IMAGE_PREFIX
ENTRYPOINT = f"{PREFIX}/etc/conda/entrypoint.sh"
USER, USER_ID, HOME = "conda", 1000, "/home/conda"
_USUAL_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
# As images had it before.
_LABELS = {"conda_store": "0.0.1"}


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseConfig:
    """What an image inherits from the one it is built upon: the whole of its configuration's ``config``."""

    config: Mapping[str, Any] = field(default_factory=dict)
    history: Sequence[Mapping[str, Any]] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageContents:
    """Everything the configuration follows from.

    ``variables`` are set by packages and by the specification; ``created`` is an instant in RFC 3339, and part of the
    image; ``inherited`` layers are those of the base, which stand below the others.
    """

    platform: ImagePlatform
    environment: str
    created: str
    base: BaseConfig = field(default_factory=BaseConfig)
    inherited: Sequence[Layer] = ()
    layers: Sequence[Layer]
    variables: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)


def write_config(image: ImageContents) -> bytes:
    """Return the configuration as it is stored; docker and OCI share it."""
    value = {
        **image.platform.to_value(),
        "created": image.created,
        "config": _run_config(image),
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{layer.diff_id}" for layer in _all_layers(image)]},
        "history": [*_inherited_history(image), *(_made(layer, image.created) for layer in image.layers)],
    }
    return canonical_json(value)


def _all_layers(image: ImageContents) -> Sequence[Layer]:
    return (*image.inherited, *image.layers)


def _run_config(image: ImageContents) -> dict[str, Any]:
    inherited = dict(image.base.config)
    return {
        **inherited,
        "Env": _environment(image),
        "Entrypoint": [ENTRYPOINT],
        "Cmd": ["/bin/sh"],
        "ArgsEscaped": True,
        "User": f"{USER_ID}:{USER_ID}",
        "WorkingDir": HOME,
        "Labels": {**(inherited.get("Labels") or {}), **_LABELS, **image.labels},
    }


def _environment(image: ImageContents) -> list[str]:
    inherited = dict(_split(entry) for entry in image.base.config.get("Env") or ())
    path = inherited.get("PATH") or _USUAL_PATH
    ours = {
        "CONDA_PREFIX": PREFIX,
        "CONDA_DEFAULT_ENV": image.environment,
        "CONDA_SHLVL": "1",
        "HOME": HOME,
        **image.variables,
    }
    return [
        f"PATH={PREFIX}/bin:{path}",
        *(f"{name}={value}" for name, value in sorted({**_but_path(inherited), **ours}.items())),
    ]


def _split(entry: str) -> tuple[str, str]:
    name, _, value = entry.partition("=")
    return name, value


def _but_path(variables: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in variables.items() if name != "PATH"}


def _inherited_history(image: ImageContents) -> Sequence[Mapping[str, Any]]:
    """What the base tells of its layers; where that is not one entry a layer, as some tools leave it, one is made."""
    told = sum(not entry.get("empty_layer", False) for entry in image.base.history)
    if told == len(image.inherited):
        return image.base.history
    return [_made(layer, image.created) for layer in image.inherited]


def _made(layer: Layer, created: str) -> dict[str, Any]:
    return {"created": created, "created_by": layer.created_by}
