"""What existing configuration files may set: each option with its default, and the test that shows what it does.

``shown_by`` is a test; where there can be no effect, ``none_since`` says why.
"""

import os
from dataclasses import dataclass
from typing import Any

from conda_store_shared.config.authentication import (
    AuthenticationBackend,
    DummyAuthentication,
    RBACAuthorizationBackend,
)
from conda_store_shared.config.conda_store import current_platform
from conda_store_shared.config.directories import data_directory
from conda_store_shared.config.storage import LocalStorage


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One option.  ``default`` differs from what it was before where ``differs`` says why."""

    default: Any
    shown_by: str = ""
    none_since: str = ""
    differs: str = ""


_CELERY = "there is no Celery; the note at the start says what replaces it"
_NOTED = "tests/unit/shared/test_configuration_names.py::test_every_option_that_is_gone_says_what_replaces_it"
_IMAGES = "there are no images of environments yet"
_CHECKED = "tests/unit/shared/test_image_options.py::test_help_says_that_there_are_no_images_yet"

ROWS: dict[str, Row] = {
    # §5.1
    "CondaStore.storage_class": Row(default=LocalStorage),
    "CondaStore.store_directory": Row(default=str(data_directory() / "state")),
    "CondaStore.build_directory": Row(default="{store_directory}/{namespace}"),
    "CondaStore.environment_directory": Row(default="{store_directory}/{namespace}/envs/{name}"),
    "CondaStore.build_key_version": Row(default=2),
    "CondaStore.build_artifacts": Row(default=["LOCKFILE", "YAML", "CONDA_PACK", "CONSTRUCTOR_INSTALLER"]),
    "CondaStore.build_artifacts_kept_on_deletion": Row(default=["LOGS", "LOCKFILE", "YAML"]),
    "CondaStore.conda_command": Row(
        default="mamba", none_since="rattler solves, as part of the service; no program is run", shown_by=_NOTED
    ),
    "CondaStore.conda_solve_platforms": Row(default=[current_platform()]),
    "CondaStore.conda_channel_alias": Row(default="https://conda.anaconda.org"),
    "CondaStore.conda_flags": Row(default="--strict-channel-priority"),
    "CondaStore.conda_platforms": Row(default=[current_platform(), "noarch"]),
    "CondaStore.conda_default_channels": Row(default=["conda-forge"]),
    "CondaStore.conda_allowed_channels": Row(default=[]),
    "CondaStore.conda_indexed_channels": Row(
        default=["main", "conda-forge", "https://repo.anaconda.com/pkgs/main"]
    ),
    "CondaStore.conda_default_packages": Row(default=[]),
    "CondaStore.conda_required_packages": Row(default=[]),
    "CondaStore.conda_included_packages": Row(default=[]),
    "CondaStore.pypi_default_packages": Row(default=[]),
    "CondaStore.pypi_required_packages": Row(default=[]),
    "CondaStore.pypi_included_packages": Row(default=[]),
    "CondaStore.conda_max_solve_time": Row(default=300),
    "CondaStore.storage_threshold": Row(default=5368709120),
    "CondaStore.database_url": Row(default=f"sqlite:///{data_directory() / 'conda-store.sqlite'}"),
    "CondaStore.upgrade_db": Row(default=True),
    "CondaStore.redis_url": Row(default=None, none_since=_CELERY, shown_by=_NOTED),
    "CondaStore.celery_broker_url": Row(
        default=None,
        shown_by="tests/unit/shared/test_configuration_names.py"
        "::test_broker_of_celery_is_used_when_it_is_ours_and_no_other_is_named",
        differs="nothing is derived from redis_url",
    ),
    "CondaStore.celery_results_backend": Row(
        default=None, none_since=_CELERY, shown_by=_NOTED, differs="nothing is derived from redis_url"
    ),
    "CondaStore.default_namespace": Row(default="default"),
    "CondaStore.filesystem_namespace": Row(
        default="filesystem",
        shown_by="tests/unit/api/found_specifications_suite.py"
        "::test_file_is_built_by_the_settings_of_its_namespace",
    ),
    "CondaStore.default_uid": Row(default=os.getuid()),
    "CondaStore.default_gid": Row(default=os.getgid()),
    "CondaStore.default_permissions": Row(default="775"),
    "CondaStore.validate_specification": Row(
        default=None,
        differs="our own rules are no hook, and one may call them",
        shown_by="tests/acceptance/test_hooks.py::test_hooks_of_a_file_take_part_in_a_suite",
    ),
    "CondaStore.validate_action": Row(
        default=None,
        differs="our own rules are no hook, and one may call them",
        shown_by="tests/acceptance/test_hooks.py::test_hooks_of_a_file_take_part_in_a_suite",
    ),
    "CondaStore.post_update_environment_build_hook": Row(
        default=None,
        shown_by="tests/integration/api/test_hooks_in_two_processes.py"
        "::test_hook_is_called_by_one_process_and_by_another_when_that_dies",
    ),
    "CondaStore.lock_backend": Row(
        default="conda-lock", none_since="lockfiles are always those of conda-lock", shown_by=_NOTED
    ),
    "CondaStore.win_extended_length_prefix": Row(
        default=False, none_since="services do not run on Windows", shown_by=_NOTED
    ),
    "CondaStore.serialize_builds": Row(default=True, none_since="was without effect before", shown_by=_NOTED),
    "CondaStore.default_docker_base_image": Row(
        default="registry-1.docker.io/library/debian:sid-slim", none_since=_IMAGES, shown_by=_CHECKED
    ),
    "CondaStore.container_registry_class": Row(
        default=None, none_since="was without effect before", shown_by=_NOTED
    ),
    # §5.2
    "S3Storage.internal_endpoint": Row(default=""),
    "S3Storage.external_endpoint": Row(default=""),
    "S3Storage.access_key": Row(default=""),
    "S3Storage.secret_key": Row(default=""),
    "S3Storage.region": Row(default="us-east-1"),
    "S3Storage.bucket_name": Row(default="conda-store"),
    "S3Storage.internal_secure": Row(default=True),
    "S3Storage.external_secure": Row(default=True),
    "S3Storage.credentials": Row(default=None),
    "S3Storage.credentials_args": Row(default=[]),
    "S3Storage.credentials_kwargs": Row(default={}),
    "LocalStorage.storage_path": Row(default=str(data_directory() / "storage")),
    "LocalStorage.storage_url": Row(default="", differs="was overwritten by the server"),
    # §5.3
    "AuthenticationBackend.secret": Row(default="", differs="one process keeps what it made"),
    "AuthenticationBackend.jwt_algorithm": Row(default="HS256"),
    "AuthenticationBackend.predefined_tokens": Row(default={}),
    "RBACAuthorizationBackend.role_mappings_version": Row(default=1),
    "RBACAuthorizationBackend.role_mappings": Row(default=RBACAuthorizationBackend().role_mappings),
    "RBACAuthorizationBackend.unauthenticated_role_bindings": Row(default={"default/*": {"viewer"}}),
    "RBACAuthorizationBackend.authenticated_role_bindings": Row(
        default={"default/*": {"viewer"}, "filesystem/*": {"viewer"}}
    ),
    "Authentication.cookie_name": Row(default="conda-store-auth"),
    "Authentication.cookie_domain": Row(default=None),
    "Authentication.authentication_backend": Row(default=AuthenticationBackend),
    "Authentication.authorization_backend": Row(default=RBACAuthorizationBackend),
    "Authentication.login_html": Row(default="", differs="empty is our own form"),
    "DummyAuthentication.password": Row(default="password"),
    "GenericOAuthAuthentication.access_token_url": Row(default=""),
    "GenericOAuthAuthentication.authorize_url": Row(default=""),
    "GenericOAuthAuthentication.client_id": Row(default=""),
    "GenericOAuthAuthentication.client_secret": Row(default=""),
    "GenericOAuthAuthentication.access_scope": Row(default=""),
    "GenericOAuthAuthentication.user_data_url": Row(default=""),
    "GenericOAuthAuthentication.user_data_key": Row(default=""),
    "GenericOAuthAuthentication.oauth_callback_url": Row(default="", differs="empty is our own address"),
    "GenericOAuthAuthentication.tls_verify": Row(default=True),
    "GithubOAuthAuthentication.github_url": Row(default="https://github.com"),
    "GithubOAuthAuthentication.github_api": Row(default="https://api.github.com"),
    "JupyterHubOAuthAuthentication.jupyterhub_url": Row(default=""),
    # §5.4
    "CondaStoreServer.log_level": Row(default=20),
    "CondaStoreServer.enable_ui": Row(default=True),
    "CondaStoreServer.enable_api": Row(default=True),
    "CondaStoreServer.enable_metrics": Row(default=True),
    "CondaStoreServer.enable_registry": Row(default=True),
    "CondaStoreServer.registry_external_url": Row(default="localhost:8080"),
    "CondaStoreServer.address": Row(default="", differs="every address, but for loopback in standalone mode"),
    "CondaStoreServer.port": Row(default=8080),
    "CondaStoreServer.url_prefix": Row(default="/"),
    "CondaStoreServer.authentication_class": Row(default=DummyAuthentication),
    "CondaStoreServer.secret_key": Row(default="", none_since="was without effect before", shown_by=_NOTED),
    "CondaStoreServer.max_page_size": Row(default=100),
    "CondaStoreServer.behind_proxy": Row(default=False),
    "CondaStoreServer.templates": Row(default=None, differs="None is our own pages"),
    "CondaStoreServer.template_vars": Row(default={}),
    "CondaStoreServer.additional_routes": Row(default=[]),
    "CondaStoreServer.cors_allow_origins": Row(default=[]),
    "CondaStoreServer.cors_allow_origin_regex": Row(
        default=None, differs="any page could act for whoever was logged in"
    ),
    "CondaStoreServer.config_file": Row(default="", none_since="--config names it", shown_by=_NOTED),
    "CondaStoreServer.standalone": Row(default=False, none_since="--standalone says it", shown_by=_NOTED),
    "CondaStoreServer.reload": Row(default=False, none_since="nothing watches the code", shown_by=_NOTED),
    # §5.5
    "CondaStoreWorker.log_level": Row(
        default=20, shown_by="tests/unit/shared/test_log_levels.py::test_worker_logs_what_its_own_level_says"
    ),
    "CondaStoreWorker.watch_paths": Row(
        default=[],
        shown_by="tests/acceptance/test_watched_paths.py"
        "::test_file_in_a_watched_directory_is_built_and_one_bad_file_stops_no_other",
    ),
    "CondaStoreWorker.concurrency": Row(
        default=None, shown_by="tests/unit/standalone/test_concurrency.py::test_workers_take_as_many_requests_at_once"
    ),
    "CondaStoreWorker.config_file": Row(default="", none_since="--config names it", shown_by=_NOTED),
    "ContainerRegistry.container_registries": Row(default={}, none_since=_IMAGES, shown_by=_CHECKED),
    "ContainerRegistry.container_registry_image_name": Row(default=None, none_since=_IMAGES, shown_by=_CHECKED),
    "ContainerRegistry.container_registry_image_tag": Row(default=None, none_since=_IMAGES, shown_by=_CHECKED),
}
