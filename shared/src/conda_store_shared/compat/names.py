"""Which of our names stand for those that existing configuration files import (contract §5)."""

from collections.abc import Mapping

_CONFIG = "conda_store_shared.config"
_STORAGE = {
    name: f"{_CONFIG}.storage:{name}" for name in ("Storage", "LocalStorage", "S3Storage")
}
_AUTHENTICATION = {
    "Permissions": "conda_store_shared.domain.permission:Permission",
    **{
        name: f"{_CONFIG}.authentication:{name}"
        for name in ("Authentication", "AuthenticationBackend", "DummyAuthentication", "RBACAuthorizationBackend")
    },
    **{
        name: f"{_CONFIG}.oauth:{name}"
        for name in ("GenericOAuthAuthentication", "GithubOAuthAuthentication", "JupyterHubOAuthAuthentication")
    },
}
_SCHEMA = {
    "AuthenticationToken": "conda_store_shared.compat.tokens:AuthenticationToken",
    "Permissions": "conda_store_shared.domain.permission:Permission",
    "BuildStatus": "conda_store_shared.domain.build:BuildStatus",
    "BuildArtifactType": "conda_store_shared.domain.artifact:ArtifactType",
    "CondaSpecification": "conda_store_shared.compat.specification:CondaSpecification",
    "CondaSpecificationPip": "conda_store_shared.compat.specification:CondaSpecificationPip",
}
_STORE = {
    "CondaStore": f"{_CONFIG}.conda_store:CondaStore",
    **{
        name: f"conda_store_shared.compat.default_hooks:{name}"
        for name in ("conda_store_validate_action", "conda_store_validate_specification")
    },
}
_ENVIRONMENT = {
    name: f"conda_store_shared.compat.default_hooks:{name}"
    for name in (
        "validate_environment_channels",
        "validate_environment_conda_packages",
        "validate_environment_pypi_packages",
    )
}
_SERVER = {"CondaStoreServer": f"{_CONFIG}.server:CondaStoreServer"}
_WORKER = {"CondaStoreWorker": f"{_CONFIG}.worker:CondaStoreWorker"}
_REGISTRY = {"ContainerRegistry": f"{_CONFIG}.registry:ContainerRegistry"}
_ERROR = {"CondaStoreError": "conda_store_shared.errors:CondaStoreError"}
_CREDENTIALS = {
    name: f"conda_store_shared.compat.credentials:{name}"
    for name in (
        "Provider",
        "StaticProvider",
        "EnvAWSProvider",
        "AWSConfigProvider",
        "IamAwsProvider",
        "ChainedProvider",
    )
}

# Module -> name in it -> ``module:name`` of ours.  Packages are listed even where they hold nothing.
NAMES: Mapping[str, Mapping[str, str]] = {
    "conda_store_server": {},
    "conda_store_server.app": _STORE,
    "conda_store_server.conda_store": _STORE,
    "conda_store_server.conda_store_config": _STORE,
    "conda_store_server.environment": _ENVIRONMENT,
    "conda_store_server.exception": _ERROR,
    "conda_store_server.registry": _REGISTRY,
    "conda_store_server.schema": _SCHEMA,
    "conda_store_server.storage": _STORAGE,
    "conda_store_server.utils": _ERROR,
    "conda_store_server.server": {},
    "conda_store_server.server.app": _SERVER,
    "conda_store_server.server.auth": _AUTHENTICATION,
    "conda_store_server.server.schema": _SCHEMA,
    "conda_store_server.worker": {},
    "conda_store_server.worker.app": _WORKER,
    "conda_store_server._internal": {},
    "conda_store_server._internal.environment": _ENVIRONMENT,
    "conda_store_server._internal.schema": _SCHEMA,
    "conda_store_server._internal.utils": _ERROR,
    "conda_store_server._internal.server": {},
    "conda_store_server._internal.server.app": _SERVER,
    "conda_store_server._internal.worker": {},
    "conda_store_server._internal.worker.app": _WORKER,
    "python_docker": {},
    "python_docker.registry": {"Registry": "conda_store_shared.compat.registry:Registry"},
    "minio": {},
    "minio.credentials": _CREDENTIALS,
    "minio.credentials.providers": _CREDENTIALS,
}
# Of these an installed package is used, if there is one.
OPTIONAL = frozenset({"minio"})
