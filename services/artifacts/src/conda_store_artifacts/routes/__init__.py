"""The route table: every address of this service on one page (contract §1)."""

from conda_store_artifacts.routes.downloads import (
    get_archive,
    get_artifact,
    get_current_lockfile,
    get_image_name,
    get_installer,
    get_lockfile,
    get_log,
)
from conda_store_artifacts.routes.locks import (
    get_current_environment_file,
    get_current_explicit_list,
    get_current_pixi_lock,
    get_environment_file,
    get_explicit_list,
    get_pixi_lock,
)
from conda_store_artifacts.routes.provenance import get_key, get_provenance
from conda_store_artifacts.routes.registry import get_from_registry, get_registry_token, refuse_push, show_registry
from conda_store_artifacts.routes.sbom import get_bill
from conda_store_artifacts.routes.storage import get_object
from conda_store_shared.domain.artifact import ArtifactType
from conda_store_shared.web.routing import route

ROUTES = [
    route("/api/v1/build/{build_id:int}/logs/", get=get_log),
    route("/api/v1/build/{build_id:int}/yaml/", get=get_artifact(ArtifactType.YAML)),
    route("/api/v1/build/{build_id:int}/archive/", get=get_archive),
    route("/api/v1/build/{build_id:int}/docker/", get=get_image_name),
    route("/api/v1/build/{build_id:int}/installer/", get=get_installer),
    route("/api/v1/build/{build_id:int}/lockfile/", get=get_lockfile),
    route("/api/v1/build/{build_id:int}/conda-lock.yml", get=get_lockfile),
    route("/api/v1/build/{build_id:int}/conda-lock.yaml", get=get_lockfile),
    route("/api/v1/build/{build_id:int}/pixi.lock", get=get_pixi_lock),
    route("/api/v1/build/{build_id:int}/explicit/", get=get_explicit_list),
    route("/api/v1/build/{build_id:int}/environment.yml", get=get_environment_file),
    route("/api/v1/build/{build_id:int}/sbom/", get=get_bill),
    route("/api/v1/build/{build_id:int}/provenance/", get=get_provenance),
    route("/api/v1/provenance/key/", get=get_key),
    route("/api/v1/environment/{namespace}/{environment}/lockfile/", get=get_current_lockfile),
    route("/api/v1/environment/{namespace}/{environment}/conda-lock.yml", get=get_current_lockfile),
    route("/api/v1/environment/{namespace}/{environment}/conda-lock.yaml", get=get_current_lockfile),
    route("/api/v1/environment/{namespace}/{environment}/pixi.lock", get=get_current_pixi_lock),
    route("/api/v1/environment/{namespace}/{environment}/explicit/", get=get_current_explicit_list),
    route("/api/v1/environment/{namespace}/{environment}/environment.yml", get=get_current_environment_file),
    route("/storage/{key:path}", get=get_object),
    route("/v2/", get=show_registry, rooted=True),
    route("/v2/token", get=get_registry_token, rooted=True),
    route(
        "/v2/{rest:path}",
        get=get_from_registry,
        post=refuse_push,
        put=refuse_push,
        patch=refuse_push,
        delete=refuse_push,
        rooted=True,
    ),
]
