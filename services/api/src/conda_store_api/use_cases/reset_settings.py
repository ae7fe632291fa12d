"""Takes back settings of the deployment, of a namespace or of an environment."""

from collections.abc import Sequence
from dataclasses import dataclass

from conda_store_api.repositories.settings import forget_settings
from conda_store_api.use_cases.change_settings import SettingsAct, check_settings_act, record_settings_act
from conda_store_shared.transaction import Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingsReset(SettingsAct):
    """What is taken back; no keys mean all that is set there."""

    keys: Sequence[str]


async def reset_settings(reset: SettingsReset, transaction: Transaction) -> Sequence[str]:
    """Let hold again what holds without these settings, for every build submitted from then on.

    Returns the keys that were set there.  Raises InvalidSetting for unknown keys, InvalidName for a place that cannot
    be.
    """
    check_settings_act(reset, reset.keys)
    keys = await forget_settings(transaction.session, reset.namespace, reset.environment, reset.keys)
    if keys:
        record_settings_act(transaction, reset, keys)
    return keys
