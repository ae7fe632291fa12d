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
_PUSHED = "tests/unit/artifacts/test_push_image.py::test_image_is_pushed_as_the_options_say"
_TOGETHER = "tests/acceptance/test_options_together.py"
_APART = "tests/acceptance/test_options_apart.py"
_STORAGE = "tests/integration/shared/test_object_storage.py"
_LOGIN = "tests/unit/auth/test_auth_options.py"
_PROVIDER = "tests/unit/auth/test_provider_options.py"
_PLACE = f"{_TOGETHER}::test_build_is_where_and_called_what_the_options_say"
_FILLED = f"{_TOGETHER}::test_specification_gets_channels_and_packages_of_the_options"
_REFUSED = f"{_TOGETHER}::test_specification_is_refused_as_the_options_say"
_OWNED = f"{_TOGETHER}::test_every_file_of_a_build_has_the_owner_and_mode_of_the_options"
_FOUND = f"{_TOGETHER}::test_packages_of_the_platforms_of_the_options_are_found"
_BELOW = f"{_TOGETHER}::test_everything_is_below_the_prefix_but_what_has_its_own_place"
_LEFT_OUT = f"{_APART}::test_nothing_is_served_that_the_options_leave_out"
_HELD = f"{_APART}::test_callers_hold_the_roles_of_the_options"
_PIP = f"{_APART}::test_pip_section_gets_what_the_options_say_and_is_refused_without_what_they_demand"
_DOWNLOADS = f"{_TOGETHER}::test_downloads_lead_to_the_address_that_users_have_of_objects"
_EXTERNAL = f"{_STORAGE}::test_users_download_from_the_external_endpoint_what_services_put_to_the_internal_one"
_RETRIEVED = f"{_STORAGE}::test_provider_of_ones_own_is_asked_in_a_thread_and_again_before_its_credentials_end"
_BOMBS = "tests/integration/builder/test_hostile_packages.py::test_package_that_grows_without_end_is_stopped"
_GENERIC = f"{_PROVIDER}::test_generic_provider_is_what_its_section_says"

ROWS: dict[str, Row] = {
    # §5.1
    "CondaStore.storage_class": Row(
        default=LocalStorage, shown_by=f"{_STORAGE}::test_store_is_of_the_class_that_storage_class_names"
    ),
    "CondaStore.store_directory": Row(default=str(data_directory() / "state"), shown_by=_PLACE),
    "CondaStore.build_directory": Row(default="{store_directory}/{namespace}", shown_by=_PLACE),
    "CondaStore.environment_directory": Row(default="{store_directory}/{namespace}/envs/{name}", shown_by=_PLACE),
    "CondaStore.build_key_version": Row(
        default=2, shown_by=f"{_APART}::test_prefix_is_called_by_a_hash_and_has_no_link_when_the_key_version_is_3"
    ),
    "CondaStore.build_artifacts": Row(
        default=["LOCKFILE", "YAML", "CONDA_PACK", "CONSTRUCTOR_INSTALLER"], shown_by=_FILLED
    ),
    "CondaStore.build_artifacts_kept_on_deletion": Row(
        default=["LOGS", "LOCKFILE", "YAML"], shown_by=f"{_TOGETHER}::test_deleted_build_keeps_what_the_options_say"
    ),
    "CondaStore.conda_command": Row(
        default="mamba", none_since="rattler solves, as part of the service; no program is run", shown_by=_NOTED
    ),
    "CondaStore.conda_solve_platforms": Row(default=[current_platform()], shown_by=_FILLED),
    "CondaStore.conda_channel_alias": Row(default="https://conda.anaconda.org", shown_by=_FILLED),
    "CondaStore.conda_flags": Row(
        default="--strict-channel-priority",
        shown_by="tests/integration/solver/test_solver_rattler.py"
        "::test_solver_heeds_the_order_of_channels_as_far_as_it_is_told",
    ),
    "CondaStore.conda_platforms": Row(default=[current_platform(), "noarch"], shown_by=_FOUND),
    "CondaStore.conda_default_channels": Row(default=["conda-forge"], shown_by=_FILLED),
    "CondaStore.conda_allowed_channels": Row(default=[], shown_by=_REFUSED),
    "CondaStore.conda_indexed_channels": Row(
        default=["main", "conda-forge", "https://repo.anaconda.com/pkgs/main"], shown_by=_FOUND
    ),
    "CondaStore.conda_default_packages": Row(default=[], shown_by=_FILLED),
    "CondaStore.conda_required_packages": Row(default=[], shown_by=_REFUSED),
    "CondaStore.conda_included_packages": Row(default=[], shown_by=_FILLED),
    "CondaStore.pypi_default_packages": Row(default=[], shown_by=_PIP),
    "CondaStore.pypi_required_packages": Row(default=[], shown_by=_PIP),
    "CondaStore.pypi_included_packages": Row(default=[], shown_by=_PIP),
    "CondaStore.conda_max_solve_time": Row(
        default=300, shown_by="tests/unit/api/remote_solves_suite.py::test_caller_is_told_when_it_takes_too_long"
    ),
    "CondaStore.storage_threshold": Row(
        default=5368709120,
        shown_by="tests/acceptance/test_settings.py"
        "::test_builds_are_refused_while_the_disk_of_the_builders_is_too_full",
    ),
    "CondaStore.database_url": Row(
        default=f"sqlite:///{data_directory() / 'conda-store.sqlite'}",
        shown_by="tests/unit/shared/test_configuration.py::test_database_of_the_only_process_makes_its_directory",
    ),
    "CondaStore.upgrade_db": Row(
        default=True,
        shown_by="tests/migrations/test_schema_at_start.py"
        "::test_old_schema_is_refused_with_the_remedy_when_upgrade_db_forbids",
    ),
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
    "CondaStore.default_namespace": Row(
        default="default", shown_by=f"{_TOGETHER}::test_default_namespace_is_there_and_that_of_whoever_is_not_logged_in"
    ),
    "CondaStore.filesystem_namespace": Row(
        default="filesystem",
        shown_by="tests/unit/api/found_specifications_suite.py"
        "::test_file_is_built_by_the_settings_of_its_namespace",
    ),
    "CondaStore.default_uid": Row(default=os.getuid(), shown_by=_OWNED),
    "CondaStore.default_gid": Row(default=os.getgid(), shown_by=_OWNED),
    "CondaStore.default_permissions": Row(default="775", shown_by=_OWNED),
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
    "CondaStore.event_hooks": Row(
        default={},
        shown_by="tests/integration/api/test_hooks_in_two_processes.py"
        "::test_events_are_told_by_one_process_and_by_another_when_that_dies",
    ),
    "CondaStore.webhook_allowed_networks": Row(
        default=[],
        shown_by="tests/integration/api/test_webhook_sender.py"
        "::test_sender_takes_of_several_addresses_those_that_are_allowed",
    ),
    "CondaStore.events_kept": Row(
        default=None, shown_by="tests/unit/api/forgotten_events_suite.py::test_events_stay_as_long_as_the_option_says"
    ),
    "CondaStore.webhooks_per_owner": Row(
        default=50,
        shown_by="tests/unit/api/webhooks_suite.py"
        "::test_owner_has_no_more_webhooks_than_may_be_though_two_replicas_are_asked_at_once",
    ),
    "CondaStore.webhook_deliveries_kept": Row(
        default=30.0,
        shown_by="tests/unit/api/webhook_deliveries_suite.py::test_deliveries_that_were_over_long_ago_are_forgotten",
    ),
    "CondaStore.lock_backend": Row(
        default="conda-lock", none_since="lockfiles are always those of conda-lock", shown_by=_NOTED
    ),
    "CondaStore.win_extended_length_prefix": Row(
        default=False, none_since="services do not run on Windows", shown_by=_NOTED
    ),
    "CondaStore.serialize_builds": Row(default=True, none_since="was without effect before", shown_by=_NOTED),
    "CondaStore.default_docker_base_image": Row(
        default="builtin",
        differs="registry-1.docker.io/library/debian:sid-slim needs a registry, and is another one each week",
        shown_by="tests/unit/artifacts/test_make_image.py::test_image_stands_upon_the_base_that_the_option_names",
    ),
    "CondaStore.container_registry_class": Row(default=None, none_since="was without effect before", shown_by=_NOTED),
    # §5.2
    "S3Storage.internal_endpoint": Row(default="", shown_by=_EXTERNAL),
    "S3Storage.external_endpoint": Row(default="", shown_by=_DOWNLOADS),
    "S3Storage.access_key": Row(default="", shown_by=_EXTERNAL),
    "S3Storage.secret_key": Row(default="", shown_by=_EXTERNAL),
    "S3Storage.region": Row(default="us-east-1", shown_by=_DOWNLOADS),
    "S3Storage.bucket_name": Row(default="conda-store", shown_by=f"{_STORAGE}::test_bucket_that_is_missing_is_named"),
    "S3Storage.internal_secure": Row(default=True, shown_by=_EXTERNAL),
    "S3Storage.external_secure": Row(
        default=True, shown_by=f"{_STORAGE}::test_users_download_by_https_unless_external_secure_says_no"
    ),
    "S3Storage.credentials": Row(default=None, shown_by=_RETRIEVED),
    "S3Storage.credentials_args": Row(default=[], shown_by=_RETRIEVED),
    "S3Storage.credentials_kwargs": Row(default={}, shown_by=_RETRIEVED),
    "LocalStorage.storage_path": Row(default=str(data_directory() / "storage"), shown_by=_DOWNLOADS),
    "LocalStorage.storage_url": Row(default="", differs="was overwritten by the server", shown_by=_DOWNLOADS),
    # §5.3
    "AuthenticationBackend.secret": Row(
        default="",
        differs="one process keeps what it made",
        shown_by=f"{_LOGIN}::test_service_without_a_secret_does_not_start",
    ),
    "AuthenticationBackend.jwt_algorithm": Row(default="HS256", shown_by=_HELD),
    "AuthenticationBackend.predefined_tokens": Row(
        default={},
        shown_by=_HELD,
    ),
    "RBACAuthorizationBackend.role_mappings_version": Row(
        default=1, shown_by="tests/integration/shared/test_web_rights.py::test_bindings_are_those_of_the_counting_table"
    ),
    "RBACAuthorizationBackend.role_mappings": Row(
        default=RBACAuthorizationBackend().role_mappings,
        shown_by=_HELD,
    ),
    "RBACAuthorizationBackend.unauthenticated_role_bindings": Row(
        default={"default/*": {"viewer"}},
        shown_by=_HELD,
    ),
    "RBACAuthorizationBackend.authenticated_role_bindings": Row(
        default={"default/*": {"viewer"}, "filesystem/*": {"viewer"}},
        shown_by=_HELD,
    ),
    "Authentication.cookie_name": Row(
        default="conda-store-auth", shown_by=f"{_TOGETHER}::test_login_page_and_cookie_are_as_the_options_say"
    ),
    "Authentication.cookie_domain": Row(
        default=None,
        shown_by="tests/unit/auth/test_auth_login.py"
        "::test_cookie_goes_over_https_alone_when_it_came_so_and_to_the_named_domain",
    ),
    "Authentication.authentication_backend": Row(
        default=AuthenticationBackend, shown_by=f"{_LOGIN}::test_backend_of_ones_own_may_bring_the_options"
    ),
    "Authentication.authorization_backend": Row(
        default=RBACAuthorizationBackend, shown_by=f"{_LOGIN}::test_backend_of_ones_own_may_bring_the_options"
    ),
    "Authentication.login_html": Row(
        default="",
        differs="empty is our own form",
        shown_by=f"{_TOGETHER}::test_login_page_and_cookie_are_as_the_options_say",
    ),
    "DummyAuthentication.password": Row(
        default="password", shown_by=f"{_APART}::test_login_page_is_the_one_of_the_options_and_so_is_the_password"
    ),
    "GenericOAuthAuthentication.access_token_url": Row(default="", shown_by=_GENERIC),
    "GenericOAuthAuthentication.authorize_url": Row(default="", shown_by=_GENERIC),
    "GenericOAuthAuthentication.client_id": Row(default="", shown_by=_GENERIC),
    "GenericOAuthAuthentication.client_secret": Row(
        default="",
        shown_by="tests/integration/auth/test_provider_logins.py::test_code_is_exchanged_by_a_form_with_the_secret",
    ),
    "GenericOAuthAuthentication.access_scope": Row(default="", shown_by=_GENERIC),
    "GenericOAuthAuthentication.user_data_url": Row(default="", shown_by=_GENERIC),
    "GenericOAuthAuthentication.user_data_key": Row(default="", shown_by=_GENERIC),
    "GenericOAuthAuthentication.oauth_callback_url": Row(
        default="",
        differs="empty is our own address",
        shown_by="tests/integration/auth/test_provider_logins.py::test_configured_callback_address_is_sent_as_it_is_both_times",
    ),
    "GenericOAuthAuthentication.tls_verify": Row(
        default=True,
        shown_by="tests/integration/auth/test_provider_connections.py"
        "::test_certificate_nobody_vouches_for_is_believed_only_where_told_so",
    ),
    "GithubOAuthAuthentication.github_url": Row(
        default="https://github.com", shown_by=f"{_PROVIDER}::test_github_is_found_by_its_two_addresses"
    ),
    "GithubOAuthAuthentication.github_api": Row(
        default="https://api.github.com", shown_by=f"{_PROVIDER}::test_github_is_found_by_its_two_addresses"
    ),
    "JupyterHubOAuthAuthentication.jupyterhub_url": Row(
        default="", shown_by=f"{_PROVIDER}::test_jupyterhub_is_found_by_its_address"
    ),
    # §5.4
    "CondaStoreServer.log_level": Row(default=20, shown_by=f"{_TOGETHER}::test_logs_begin_at_the_level_of_the_options"),
    "CondaStoreServer.enable_ui": Row(default=True, shown_by=_LEFT_OUT),
    "CondaStoreServer.enable_api": Row(
        default=True, shown_by="tests/unit/shared/test_enabled_routes.py::test_server_leaves_out_what_is_not_enabled"
    ),
    "CondaStoreServer.enable_metrics": Row(default=True, shown_by=_LEFT_OUT),
    "CondaStoreServer.enable_registry": Row(default=True, shown_by=_LEFT_OUT),
    "CondaStoreServer.registry_external_url": Row(
        default="localhost:8080",
        shown_by="tests/integration/artifacts/test_downloads.py::test_image_of_a_build_is_named_as_it_is_pulled",
    ),
    "CondaStoreServer.address": Row(
        default="",
        differs="every address, but for loopback in standalone mode",
        shown_by=f"{_LOGIN}::test_service_anybody_can_enter_does_not_start_on_the_network",
    ),
    "CondaStoreServer.port": Row(default=8080, shown_by=_BELOW),
    "CondaStoreServer.url_prefix": Row(default="/", shown_by=_BELOW),
    "CondaStoreServer.authentication_class": Row(
        default=DummyAuthentication, shown_by=f"{_PROVIDER}::test_base_class_lets_everybody_in_as_one_person"
    ),
    "CondaStoreServer.secret_key": Row(default="", none_since="was without effect before", shown_by=_NOTED),
    "CondaStoreServer.max_page_size": Row(
        default=100, shown_by=f"{_TOGETHER}::test_pages_are_as_long_as_the_options_say"
    ),
    "CondaStoreServer.max_open_streams": Row(
        default=4000, shown_by="tests/unit/shared/test_server_sent_events.py::test_as_many_may_read_as_the_options_say"
    ),
    "CondaStoreServer.behind_proxy": Row(
        default=False, shown_by=f"{_TOGETHER}::test_proxy_tells_under_which_address_the_browser_knows_the_suite"
    ),
    "CondaStoreServer.templates": Row(
        default=None,
        differs="None is our own pages",
        shown_by=f"{_APART}::test_login_page_is_the_one_of_the_options_and_so_is_the_password",
    ),
    "CondaStoreServer.template_vars": Row(
        default={}, shown_by=f"{_TOGETHER}::test_login_page_and_cookie_are_as_the_options_say"
    ),
    "CondaStoreServer.additional_routes": Row(default=[], shown_by=_BELOW),
    "CondaStoreServer.cors_allow_origins": Row(
        default=[], shown_by=f"{_TOGETHER}::test_pages_of_the_origins_of_the_options_may_read"
    ),
    "CondaStoreServer.cors_allow_origin_regex": Row(
        default=None,
        differs="any page could act for whoever was logged in",
        shown_by=f"{_APART}::test_pages_of_origins_like_those_of_the_options_may_read",
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
    "CondaStoreWorker.sandbox": Row(
        default="auto",
        shown_by="tests/integration/builder/test_confined_link_scripts.py"
        "::test_builder_says_at_its_start_that_the_system_permits_no_sandbox",
    ),
    "CondaStoreWorker.package_max_bytes": Row(default=16 * 1024**3, shown_by=_BOMBS),
    "CondaStoreWorker.package_max_files": Row(default=500_000, shown_by=_BOMBS),
    "CondaStoreWorker.config_file": Row(default="", none_since="--config names it", shown_by=_NOTED),
    "ContainerRegistry.container_registries": Row(default={}, shown_by=_PUSHED),
    "ContainerRegistry.container_registry_image_name": Row(default=None, shown_by=_PUSHED),
    "ContainerRegistry.container_registry_image_tag": Row(default=None, shown_by=_PUSHED),
}
