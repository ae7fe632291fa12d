"""Changes settings of the deployment, of a namespace or of an environment (contract §1.5)."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from conda_store_api.domain.policy import BuildPolicy
from conda_store_api.repositories.settings import store_settings
from conda_store_api.use_cases.act import Act
from conda_store_api.use_cases.ledger.public_events import Place, record_at
from conda_store_shared.conda.match_spec import parse_match_spec, parse_requirement
from conda_store_shared.contracts.public_events import SettingsChanged
from conda_store_shared.domain.address_credentials import REMEDY, channel_has_credentials, has_user
from conda_store_shared.domain.names import environment_name, namespace_name
from conda_store_shared.domain.pip_options import is_pip_option, parse_pip_option
from conda_store_shared.domain.platforms import NOARCH, PLATFORMS
from conda_store_shared.domain.settings import GLOBAL_KEYS, Settings, parse_settings
from conda_store_shared.errors import InvalidSetting, InvalidSpecification
from conda_store_shared.transaction import Transaction

_ALIAS = "conda_channel_alias"
_CHANNELS = ("conda_default_channels", "conda_allowed_channels", "conda_indexed_channels")


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingsAct:
    """Who does it, and where: in an environment, in a namespace (no environment), or everywhere (neither)."""

    namespace: str | None
    environment: str | None
    actor: str | None
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingsChange(SettingsAct):
    """What is set."""

    values: Mapping[str, Any]


async def change_settings(change: SettingsChange, policy: BuildPolicy, transaction: Transaction) -> None:
    """Set what a change names and leave the rest; it holds for every build submitted from then on.

    Raises InvalidSetting for unknown keys, for global keys below the global level and for values that do not fit,
    InvalidName for a place that cannot be.
    """
    check_settings_act(change, change.values)
    values = _checked(change, policy)
    await store_settings(transaction.session, change.namespace, change.environment, values)
    record_settings_act(transaction, change, list(values))


def check_settings_act(act: SettingsAct, keys: Iterable[str]) -> None:
    """Raise InvalidSetting for unknown keys, InvalidName for a place that cannot be."""
    if act.namespace is not None:
        namespace_name(act.namespace)
    if act.environment is not None:
        environment_name(act.environment)
    unknown = sorted(set(keys) - Settings.model_fields.keys())
    if unknown:
        raise InvalidSetting(f"Invalid setting keys {{{', '.join(repr(key) for key in unknown)}}}")


def record_settings_act(transaction: Transaction, act: SettingsAct, keys: Sequence[str]) -> None:
    """Tell which settings are others now; their values are nobody's business."""
    place = Place(act.namespace or "", act.environment)
    record_at(transaction, place, SettingsChanged(keys=tuple(keys)), Act(actor=act.actor, now=act.now))


def _checked(change: SettingsChange, policy: BuildPolicy) -> dict[str, Any]:
    for key in change.values:
        if change.namespace is not None and key in GLOBAL_KEYS:
            raise InvalidSetting(
                f"Setting {key} is a global setting and cannot be set within a namespace or environment"
            )
    try:
        values = parse_settings(change.values)
    except ValueError as error:
        raise InvalidSetting(str(error)) from error
    check_values(values, policy)
    return {key: values[key] for key in change.values}


def check_values(values: Mapping[str, Any], policy: BuildPolicy) -> None:
    """Raise InvalidSetting, whose message begins with the key, for a value that no build could do with."""
    platforms = values.get("conda_solve_platforms", (policy.platform,))
    unknown = [platform for platform in platforms if platform not in (*PLATFORMS, NOARCH)]
    if unknown:
        raise InvalidSetting(f"conda_solve_platforms: {unknown} are not known; expected some of {list(PLATFORMS)}")
    if policy.platform not in platforms:
        raise InvalidSetting(f"conda_solve_platforms must contain {policy.platform!r}, which builders run on")
    if values.get("conda_max_solve_time", 0) > policy.longest_solve:
        raise InvalidSetting(
            f"conda_max_solve_time={values['conda_max_solve_time']} is more than {policy.longest_solve:g} seconds, "
            "after which the broker takes the work away"
        )
    _check_channels(values)
    for kind in ("default", "required", "included"):
        _check_packages(f"conda_{kind}_packages", values, parse_match_spec)
        _check_packages(f"pypi_{kind}_packages", values, _parse_pip)


def _check_channels(values: Mapping[str, Any]) -> None:
    named = {key: values.get(key, ()) for key in _CHANNELS} | {_ALIAS: [values[_ALIAS]] if _ALIAS in values else []}
    for key, channels in named.items():
        if any(channel_has_credentials(channel) for channel in channels):
            raise InvalidSetting(f"{key}: a channel {REMEDY}")


def _check_packages(key: str, values: Mapping[str, Any], parse: Callable[[str], object]) -> None:
    for text in values.get(key, ()):
        try:
            parse(text)
        except InvalidSpecification as error:
            raise InvalidSetting(f"{key}: {error.message}") from error
        if has_user(text):
            raise InvalidSetting(f"{key}: an address {REMEDY}")


def _parse_pip(text: str) -> object:
    return parse_pip_option(text) if is_pip_option(text) else parse_requirement(text)
