"""The route table: every address of this service on one page (contract §1)."""

from conda_store_artifacts.routes.downloads import (
    get_artifact,
    get_current_lockfile,
    get_image_name,
    get_installer,
    get_lockfile,
    get_log,
)
from conda_store_artifacts.routes.registry import get_from_registry, get_registry_token, show_registry
from conda_store_artifacts.routes.storage import get_object
from conda_store_shared.domain.artifact import ArtifactType
from conda_store_shared.web.routing import route

ROUTES = [
    route("/api/v1/build/{build_id:int}/logs/", get=get_log),
    route("/api/v1/build/{build_id:int}/yaml/", get=get_artifact(ArtifactType.YAML)),
    route("/api/v1/build/{build_id:int}/archive/", get=get_artifact(ArtifactType.CONDA_PACK)),
    route("/api/v1/build/{build_id:int}/docker/", get=get_image_name),
    route("/api/v1/build/{build_id:int}/installer/", get=get_installer),
    route("/api/v1/build/{build_id:int}/lockfile/", get=get_lockfile),
    route("/api/v1/build/{build_id:int}/conda-lock.yml", get=get_lockfile),
    route("/api/v1/build/{build_id:int}/conda-lock.yaml", get=get_lockfile),
    route("/api/v1/environment/{namespace}/{environment}/lockfile/", get=get_current_lockfile),
    route("/api/v1/environment/{namespace}/{environment}/conda-lock.yml", get=get_current_lockfile),
    route("/api/v1/environment/{namespace}/{environment}/conda-lock.yaml", get=get_current_lockfile),
    route("/storage/{key:path}", get=get_object),
    route("/v2/", get=show_registry, rooted=True),
    route("/v2/token", get=get_registry_token, rooted=True),
    route("/v2/{rest:path}", get=get_from_registry, rooted=True),
]
