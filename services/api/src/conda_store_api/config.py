"""The options of api, as plain values."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import structlog
from pydantic import ValidationError
from traitlets.config import Config

from conda_store_api.adapters.called_hooks import HookOptions
from conda_store_api.domain.policy import BuildPolicy, LedgerOptions
from conda_store_api.domain.webhook_address import parse_networks
from conda_store_api.use_cases.change_settings import check_values
from conda_store_api.use_cases.create_webhook import WebhookOptions
from conda_store_api.use_cases.deliveries.tools import DeliveryOptions
from conda_store_api.use_cases.ledger.stage_failed import RetryPolicy
from conda_store_shared.config.authorization import authorization_values
from conda_store_shared.config.bus import Bus
from conda_store_shared.config.conda_store import CondaStore, current_platform
from conda_store_shared.config.server import CondaStoreServer
from conda_store_shared.config.worker import CondaStoreWorker, Ledger
from conda_store_shared.domain.channel_priority import ChannelPriority, parse_conda_flags
from conda_store_shared.domain.settings import Settings
from conda_store_shared.errors import ConfigurationError, InvalidSetting
from conda_store_shared.web.additional_routes import additional_routes
from conda_store_shared.web.authentication import AuthorizationOptions
from conda_store_shared.web.routing import PathRoute

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiOptions:
    """Options of api; ``additional_routes`` are the administrator's own, ``events_kept`` are days or None for ever."""

    policy: BuildPolicy
    ledger: LedgerOptions
    retry: RetryPolicy
    authorization: AuthorizationOptions
    hooks: HookOptions = field(default_factory=HookOptions)
    webhooks: WebhookOptions = field(default_factory=WebhookOptions)
    deliveries: DeliveryOptions = field(default_factory=DeliveryOptions)
    max_page_size: int = 100
    url_prefix: str = ""
    anonymous_solve: bool = False
    index_interval: float = 900
    events_kept: float | None = None
    additional_routes: Sequence[PathRoute] = ()


def read_options(config: Config, *, alone: bool = False) -> ApiOptions:
    """Return the options that ``config`` sets; raises ConfigurationError."""
    server = CondaStoreServer(config=config)
    store = CondaStore(config=config)
    longest = _longest_work(config)
    _check_deadlines(store, longest)
    rights = server.authentication_class(config=config).authorization_backend(config=config)
    ledger = Ledger(config=config)
    return ApiOptions(
        policy=_policy(store, longest),
        ledger=replace(_ledger(ledger, CondaStoreWorker(config=config), alone), longest_hook=store.hook_timeout),
        retry=RetryPolicy(first=ledger.first_retry, longest=ledger.longest_retry),
        authorization=AuthorizationOptions(**authorization_values(config)),
        hooks=_hooks(store),
        webhooks=_webhooks(store),
        max_page_size=server.max_page_size,
        url_prefix=server.url_prefix.rstrip("/"),
        anonymous_solve=rights.anonymous_solve,
        index_interval=store.index_interval,
        events_kept=store.events_kept,
        additional_routes=additional_routes(server.additional_routes, server.url_prefix),
    )


def _longest_work(config: Config) -> float:
    """Seconds within which a worker must be done, lest the broker take the work away (design §4.3)."""
    return 0.8 * Bus(config=config).consumer_timeout


def _check_deadlines(store: CondaStore, longest: float) -> None:
    for name in ("conda_max_solve_time", "max_install_time", "max_artifact_time", "max_index_time", "hook_timeout"):
        if getattr(store, name) > longest:
            raise ConfigurationError(
                f"CondaStore.{name}={getattr(store, name):g} is more than 0.8 of the broker's consumer_timeout "
                f"({longest / 0.8:g} s): the broker would take the work away; lower it, or raise both"
            )


def _default_settings(store: CondaStore) -> Settings:
    try:
        return Settings.model_validate({name: getattr(store, name) for name in Settings.model_fields})
    except ValidationError as error:
        told = "; ".join(f"CondaStore.{entry['loc'][0]}: {entry['msg']}" for entry in error.errors())
        raise ConfigurationError(told) from error


def _policy(store: CondaStore, longest_solve: float) -> BuildPolicy:
    _check_templates(store)
    policy = BuildPolicy(
        settings=_default_settings(store),
        store_directory=Path(store.store_directory).absolute(),
        build_directory=store.build_directory,
        environment_directory=store.environment_directory,
        build_key_version=store.build_key_version,
        platform=current_platform(),
        channel_priority=_channel_priority(store),
        longest_solve=longest_solve,
        install_deadline=store.max_install_time,
        artifact_deadline=store.max_artifact_time,
        build_deadline=store.max_build_time,
        completes_specifications=store.validate_specification is None,
        guards_storage=store.validate_action is None,
    )
    try:
        check_values(policy.settings.model_dump(mode="json"), policy)
    except InvalidSetting as error:
        raise ConfigurationError(f"CondaStore.{error.message}") from error
    return policy


def _channel_priority(store: CondaStore) -> ChannelPriority:
    try:
        priority, others = parse_conda_flags(store.conda_flags)
    except ValueError as error:
        raise ConfigurationError(
            f"CondaStore.conda_flags={store.conda_flags!r}: {error}; use --strict-channel-priority, "
            "--no-channel-priority, or neither for what conda calls flexible"
        ) from error
    if others:
        log.warning("conda_flags_ignored", flags=others, reason="only the priority of channels means something here")
    return priority


def _check_templates(store: CondaStore) -> None:
    places = {"store_directory": "/store", "namespace": "namespace", "name": "name"}
    for option in ("build_directory", "environment_directory"):
        try:
            getattr(store, option).format(**places)
        except (LookupError, ValueError, AttributeError) as error:
            raise ConfigurationError(
                f"CondaStore.{option}={getattr(store, option)!r}: {error}; known keys are {', '.join(places)}"
            ) from error


def _hooks(store: CondaStore) -> HookOptions:
    return HookOptions(
        validate_specification=store.validate_specification,
        validate_action=store.validate_action,
        post_update=store.post_update_environment_build_hook,
        events=store.event_hooks,
        seconds=store.hook_timeout,
    )


def _webhooks(store: CondaStore) -> WebhookOptions:
    try:
        networks = parse_networks(store.webhook_allowed_networks)
    except ValueError as error:
        raise ConfigurationError(f"CondaStore.webhook_allowed_networks: {error}; write 10.1.0.0/16") from error
    return WebhookOptions(
        allowed_networks=networks, per_owner=store.webhooks_per_owner, days_kept=store.webhook_deliveries_kept
    )


def _ledger(ledger: Ledger, worker: CondaStoreWorker, alone: bool) -> LedgerOptions:
    capacity = ledger.capacity or 2 * (worker.concurrency or os.cpu_count() or 1)
    return LedgerOptions(
        capacity=capacity,
        per_namespace=ledger.per_namespace or capacity,
        silence=ledger.silence,
        unheard=ledger.unheard,
        rescue_interval=ledger.rescue_interval,
        alone=alone,
    )
