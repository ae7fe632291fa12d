"""Settings: what a deployment, and below it each namespace and environment, decides about builds (contract §2.6)."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, get_type_hints

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationError, create_model

from conda_store_shared.domain.artifact import ArtifactType
from conda_store_shared.domain.names import namespace_name
from conda_store_shared.errors import InvalidName

# A user or group; the highest number means "leave it" to the kernel.
_Owner = Annotated[int, Field(ge=0, lt=2**32 - 1)]
_Line = Annotated[str, StringConstraints(min_length=1, max_length=1000, pattern=r"^[^\x00-\x1f\x7f]*$")]
_Lines = Annotated[tuple[_Line, ...], Field(max_length=1000)]
_Artifacts = Annotated[tuple[ArtifactType, ...], Field(max_length=1000)]
_Bytes = Annotated[int, Field(ge=-(2**63), lt=2**63)]
_Mode = Annotated[str, StringConstraints(pattern=r"^[0-7]{3}$")]


def _as_namespace(name: str) -> str:
    try:
        return namespace_name(name)
    except InvalidName as error:
        raise ValueError(error.message) from error


_Namespace = Annotated[str, AfterValidator(_as_namespace)]


class Settings(BaseModel):
    """Every setting; their defaults are the options of the same names of ``CondaStore``.

    ``storage_threshold`` is in bytes, ``conda_max_solve_time`` in seconds; an empty ``conda_allowed_channels`` permits
    all.
    """

    model_config = ConfigDict(frozen=True)

    default_namespace: _Namespace
    filesystem_namespace: _Namespace
    default_uid: _Owner | None
    default_gid: _Owner | None
    default_permissions: _Mode | None
    storage_threshold: _Bytes
    conda_command: _Line
    conda_platforms: _Lines
    conda_max_solve_time: Annotated[int, Field(gt=0)]
    conda_indexed_channels: _Lines
    build_artifacts_kept_on_deletion: _Artifacts
    conda_solve_platforms: _Lines
    conda_channel_alias: _Line
    conda_default_channels: _Lines
    conda_allowed_channels: _Lines
    conda_default_packages: _Lines
    conda_required_packages: _Lines
    conda_included_packages: _Lines
    pypi_default_packages: _Lines
    pypi_required_packages: _Lines
    pypi_included_packages: _Lines
    build_artifacts: _Artifacts


# What only the whole deployment decides; below, such a key cannot be set and is not looked at.
GLOBAL_KEYS = frozenset(
    {
        "default_namespace",
        "filesystem_namespace",
        "default_uid",
        "default_gid",
        "default_permissions",
        "storage_threshold",
        "conda_command",
        "conda_platforms",
        "conda_max_solve_time",
        "conda_indexed_channels",
        "build_artifacts_kept_on_deletion",
    }
)

# The same fields, each of which may be left out.
_types = get_type_hints(Settings, include_extras=True)
_fields: dict[str, Any] = {name: (_types[name], Field(default_factory=lambda: None)) for name in Settings.model_fields}
# Errors do not quote what was sent: it may hold a credential.
_config = ConfigDict(extra="forbid", hide_input_in_errors=True)
PartialSettings: type[BaseModel] = create_model("SomeSettings", __config__=_config, **_fields)


def parse_settings(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return some settings checked and converted, as plain values of JSON.

    Raises pydantic's ValidationError, a ValueError that names every key which is unknown or whose value does not fit.
    """
    return PartialSettings.model_validate(values).model_dump(mode="json", exclude_unset=True)


def effective_settings(
    defaults: Settings,
    globally: Mapping[str, Any],
    namespace: Mapping[str, Any] | None = None,
    environment: Mapping[str, Any] | None = None,
) -> Settings:
    """Return what holds for an environment: each level's values replace those of the levels before it.

    Values replace as a whole, lists too.  Global keys count on the global level alone.  Stored keys that are unknown,
    and values that fit no more (an imported database holds them unchecked), are passed over.
    """
    below = {**_fitting(namespace or {}), **_fitting(environment or {})}
    overrides = {**_fitting(globally), **{key: value for key, value in below.items() if key not in GLOBAL_KEYS}}
    return defaults.model_copy(update=overrides)


def _fitting(stored: Mapping[str, Any]) -> dict[str, Any]:
    return dict(_readable(stored))


def _readable(stored: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for key in stored.keys() & Settings.model_fields.keys():
        try:
            yield key, getattr(PartialSettings.model_validate({key: stored[key]}), key)
        except ValidationError:
            continue
