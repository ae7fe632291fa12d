"""Models of what clients know (contract §2.3), for the API description; rows take these shapes in ``shapes``."""

from typing import Any

from pydantic import BaseModel, ConfigDict

from conda_store_shared.domain.artifact import ArtifactType
from conda_store_shared.domain.build import BuildStatus
from conda_store_shared.domain.permission import Role


class JsonObject(BaseModel):
    """An object with any keys."""

    model_config = ConfigDict(extra="allow")


class StatusModel(BaseModel):
    """What the server is."""

    version: str


class WorkersModel(BaseModel):
    """What upstream tells of Celery workers."""

    availability: None
    stats: None
    registered_tasks: None
    active_tasks: None
    scheduled_tasks: None


class NamespaceNameModel(BaseModel):
    """A namespace in a list."""

    id: int
    name: str


class NamespacePage(BaseModel):
    """One page of namespaces, which has no message."""

    status: str
    data: list[NamespaceNameModel]
    page: int
    size: int
    count: int


class RoleMappingModel(BaseModel):
    """Holders of the namespace have ``role`` wherever the pattern ``entity`` matches."""

    id: int
    entity: str
    role: Role


class GrantedRoleModel(BaseModel):
    """Holders of ``other_namespace`` have ``role`` in ``namespace``."""

    id: int
    namespace: str
    other_namespace: str
    role: Role


class NamespaceModel(BaseModel):
    """A namespace."""

    id: int
    name: str
    metadata_: dict[str, Any] | None
    role_mappings: list[RoleMappingModel]


class SpecificationModel(BaseModel):
    """What a user asked for."""

    id: int
    name: str
    spec: dict[str, Any]
    sha256: str
    created_on: str


class ArtifactModel(BaseModel):
    """Something a build left behind; the key of a DIRECTORY is its path."""

    id: int
    artifact_type: ArtifactType
    key: str


class BuildModel(BaseModel):
    """A build: ``size`` in bytes, times in UTC; lists leave out specification and artifacts."""

    id: int
    environment_id: int
    specification: SpecificationModel | None
    packages: None
    status: BuildStatus
    status_info: str | None
    size: int
    scheduled_on: str
    started_on: str | None
    ended_on: str | None
    build_artifacts: list[ArtifactModel] | None


class BuildIdModel(BaseModel):
    """The build that was made."""

    build_id: int


class ListedEnvironmentModel(BaseModel):
    """An environment in a list of version 2."""

    id: int
    namespace: NamespaceModel
    name: str
    current_build_id: int | None
    description: str | None


class EnvironmentModel(ListedEnvironmentModel):
    """An environment, which points at its current build."""

    current_build: None


class EnvironmentCursorPage(BaseModel):
    """Some environments; ``cursor`` leads to the next ones, ``count`` is how many there are in all."""

    data: list[ListedEnvironmentModel]
    status: str
    message: None
    cursor: str
    count: int


class UsageModel(BaseModel):
    """What a namespace uses; deleted builds count, ``storage`` is in bytes."""

    num_environments: int
    num_builds: int
    storage: int


class ChannelModel(BaseModel):
    """A channel by its base address."""

    id: int
    name: str
    last_update: str | None


class PackageModel(BaseModel):
    """A version of a package in a channel."""

    id: int
    channel: ChannelModel
    name: str
    version: str
    license: str | None
    summary: str | None


class PackageBuildModel(BaseModel):
    """One file of a version of a package: ``size`` in bytes, -1 when unknown; ``timestamp`` in milliseconds."""

    name: str
    version: str
    channel: ChannelModel
    id: int
    package_id: int
    channel_id: int | None
    build: str
    build_number: int
    constrains: list[str] | None
    depends: list[str]
    md5: str
    sha256: str
    size: int
    subdir: str | None
    timestamp: int | None


class SolutionModel(BaseModel):
    """The conda packages that satisfy a specification, on all platforms; not in an envelope."""

    solve: list[PackageBuildModel]


class StageModel(BaseModel):
    """A stage of a build: ``done`` of ``total`` in ``unit``; code and detail say why it failed."""

    stage: str
    state: str
    done: int
    total: int
    unit: str
    code: str | None
    detail: str | None
    attempts: int
