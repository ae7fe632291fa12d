"""Takes back settings of the deployment, of a namespace or of an environment."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from conda_store_api.repositories.settings import forget_settings
from conda_store_shared.db.models import PublicEvent
from conda_store_shared.domain.names import environment_name, namespace_name
from conda_store_shared.domain.settings import Settings
from conda_store_shared.errors import InvalidSetting
from conda_store_shared.transaction import Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingsReset:
    """Who takes back what, and where; no keys mean all that is set there."""

    namespace: str | None
    environment: str | None
    keys: Sequence[str]
    actor: str | None
    now: datetime


async def reset_settings(reset: SettingsReset, transaction: Transaction) -> Sequence[str]:
    """Let hold again what holds without these settings, for every build submitted from then on.

    Returns the keys that were set there.  Raises InvalidSetting for unknown keys, InvalidName for a place that cannot
    be.
    """
    if reset.namespace is not None:
        namespace_name(reset.namespace)
    if reset.environment is not None:
        environment_name(reset.environment)
    unknown = sorted(set(reset.keys) - Settings.model_fields.keys())
    if unknown:
        raise InvalidSetting(f"Invalid setting keys {{{', '.join(repr(key) for key in unknown)}}}")
    keys = await forget_settings(transaction.session, reset.namespace, reset.environment, reset.keys)
    if keys:
        transaction.record(
            PublicEvent(
                type="settings.changed",
                time=reset.now,
                namespace=reset.namespace or "",
                environment=reset.environment,
                actor=reset.actor,
                data={"keys": keys},
            )
        )
    return keys
