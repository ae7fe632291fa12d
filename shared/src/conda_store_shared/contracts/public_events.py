"""What a public event carries besides its place: one frozen dataclass per type, each field with its meaning.

A promise to users: a field is only ever added, with a default; anything else makes another version.  Nothing in here
may be a secret.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from conda_store_shared.domain.public_event import PublicEventType

Code = Annotated[str, "Why, as a word that programs can go by, such as `unsatisfiable`."]
Detail = Annotated[str, "Why, for people; credentials in addresses are masked."]
Artifact = Annotated[str, "Type of the artifact, such as `CONDA_PACK` or `DOCKER_MANIFEST`."]
Digest = Annotated[str, "SHA-256 of the content, in lower-case hex."]


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicPayload:
    """Root of all payloads."""

    kind: ClassVar[PublicEventType]
    # Which parts of the place such an event always has; of the others some or none.
    place: ClassVar[tuple[str, ...]] = ()

    def to_data(self) -> dict[str, Any]:
        """The fields as JSON values; those that need not be there and say nothing are left out."""
        return {
            field.name: value
            for field in dataclasses.fields(self)
            if (value := _plain(getattr(self, field.name))) is not None or field.default is dataclasses.MISSING
        }


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildPayload(PublicPayload):
    """What every event about a build carries."""

    place: ClassVar = ("namespace", "environment", "build_id")
    build_key: Annotated[str, "Names what the build leaves behind, in paths and object keys."]


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildQueued(BuildPayload):
    """A specification was submitted, or is built again; the build waits its turn."""

    kind: ClassVar = PublicEventType.BUILD_QUEUED


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildStarted(BuildPayload):
    """A worker has taken the build."""

    kind: ClassVar = PublicEventType.BUILD_STARTED


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildSolved(BuildPayload):
    """The lockfile is there, and can be fetched."""

    kind: ClassVar = PublicEventType.BUILD_SOLVED
    lockfile_digest: Digest


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildCompleted(BuildPayload):
    """The prefix is there; artifacts follow."""

    kind: ClassVar = PublicEventType.BUILD_COMPLETED
    size: Annotated[int, "Bytes of the files of the prefix, files it shares with others included."]


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildFailed(BuildPayload):
    """The build failed, for good."""

    kind: ClassVar = PublicEventType.BUILD_FAILED
    stage: Annotated[str, "What failed: `solve` or `prefix`."]
    code: Code
    detail: Detail


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildCanceled(BuildPayload):
    """Somebody canceled the build, or deleted its environment while it ran."""

    kind: ClassVar = PublicEventType.BUILD_CANCELED


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildDeleted(BuildPayload):
    """Somebody deleted the build, or its environment."""

    kind: ClassVar = PublicEventType.BUILD_DELETED


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildArtifactsCompleted(BuildPayload):
    """Every wanted artifact is there or will not come; once more when another one is asked for later."""

    kind: ClassVar = PublicEventType.BUILD_ARTIFACTS_COMPLETED
    stored: Annotated[tuple[str, ...], "Types of the artifacts that are there."]
    failed: Annotated[tuple[str, ...], "Types of those that failed or were canceled."]


@dataclass(frozen=True, slots=True, kw_only=True)
class ArtifactStored(BuildPayload):
    """An artifact is there, and can be fetched."""

    kind: ClassVar = PublicEventType.ARTIFACT_STORED
    artifact_type: Artifact
    size: Annotated[int, "Bytes of the artifact; of an image, those of its layers as they are sent."]
    digest: Annotated[str, "SHA-256 of the artifact, in lower-case hex; of an image, that of its manifest."]


@dataclass(frozen=True, slots=True, kw_only=True)
class ArtifactFailed(BuildPayload):
    """An artifact could not be made; the build stays completed."""

    kind: ClassVar = PublicEventType.ARTIFACT_FAILED
    artifact_type: Artifact
    code: Code
    detail: Detail


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvironmentCreated(PublicPayload):
    """A first specification of this name was submitted in the namespace."""

    kind: ClassVar = PublicEventType.ENVIRONMENT_CREATED
    place: ClassVar = ("namespace", "environment")


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvironmentCurrentBuildChanged(BuildPayload):
    """Users of the environment get the build of this event from now on."""

    kind: ClassVar = PublicEventType.ENVIRONMENT_CURRENT_BUILD_CHANGED


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvironmentDeleted(PublicPayload):
    """Somebody deleted the environment, or its namespace; its builds go one by one."""

    kind: ClassVar = PublicEventType.ENVIRONMENT_DELETED
    place: ClassVar = ("namespace", "environment")


@dataclass(frozen=True, slots=True, kw_only=True)
class NamespaceCreated(PublicPayload):
    """A namespace was made, on its own or for a first specification in it."""

    kind: ClassVar = PublicEventType.NAMESPACE_CREATED
    place: ClassVar = ("namespace",)


@dataclass(frozen=True, slots=True, kw_only=True)
class NamespaceChanged(PublicPayload):
    """The metadata of a namespace, or the roles granted in it, were replaced."""

    kind: ClassVar = PublicEventType.NAMESPACE_CHANGED
    place: ClassVar = ("namespace",)
    changed: Annotated[tuple[str, ...], "What was replaced: `metadata`, `role_mappings`."]


@dataclass(frozen=True, slots=True, kw_only=True)
class NamespaceDeleted(PublicPayload):
    """Somebody deleted the namespace with all its environments."""

    kind: ClassVar = PublicEventType.NAMESPACE_DELETED
    place: ClassVar = ("namespace",)


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleGranted(PublicPayload):
    """Members of another namespace have a role in this one."""

    kind: ClassVar = PublicEventType.ROLE_GRANTED
    place: ClassVar = ("namespace",)
    other_namespace: Annotated[str, "To whom it was granted."]
    role: Annotated[str, "The role they have now, such as `viewer`."]


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleRevoked(PublicPayload):
    """Members of another namespace have no role in this one any more."""

    kind: ClassVar = PublicEventType.ROLE_REVOKED
    place: ClassVar = ("namespace",)
    other_namespace: Annotated[str | None, "From whom it was taken; null when from all."]


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingsChanged(PublicPayload):
    """Settings are others for builds from now on; of the whole suite where there is no namespace."""

    kind: ClassVar = PublicEventType.SETTINGS_CHANGED
    keys: Annotated[tuple[str, ...], "The names of the settings; their values are read with the settings."]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelIndexed(PublicPayload):
    """The list of a channel's packages has changed, and is searched from now on."""

    kind: ClassVar = PublicEventType.CHANNEL_INDEXED
    channel: Annotated[str, "Address of the channel, without credentials."]
    subdir: Annotated[str, "The platform of the packages, such as `linux-64` or `noarch`."]
    index_digest: Annotated[str, "SHA-256 of the list, in lower-case hex."]


@dataclass(frozen=True, slots=True, kw_only=True)
class SpecificationRejected(PublicPayload):
    """A watched file, or the name of an image made on demand, was refused."""

    kind: ClassVar = PublicEventType.SPECIFICATION_REJECTED
    place: ClassVar = ("namespace",)
    code: Code
    detail: Detail
    path: Annotated[str | None, "The watched file; missing where there is none."] = None
    digest: Annotated[str | None, "SHA-256 of the watched file, in lower-case hex."] = None


PAYLOADS: Mapping[PublicEventType, type[PublicPayload]] = {
    payload.kind: payload
    for payload in (
        BuildQueued,
        BuildStarted,
        BuildSolved,
        BuildCompleted,
        BuildFailed,
        BuildCanceled,
        BuildDeleted,
        BuildArtifactsCompleted,
        ArtifactStored,
        ArtifactFailed,
        EnvironmentCreated,
        EnvironmentCurrentBuildChanged,
        EnvironmentDeleted,
        NamespaceCreated,
        NamespaceChanged,
        NamespaceDeleted,
        RoleGranted,
        RoleRevoked,
        SettingsChanged,
        ChannelIndexed,
        SpecificationRejected,
    )
}
