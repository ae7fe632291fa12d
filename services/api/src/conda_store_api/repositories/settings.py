"""Rows of settings: one per level and key, under upstream's prefixes."""

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from conda_store_shared.db.models import KeyValueStore
from conda_store_shared.db.statements import upsert_all
from conda_store_shared.domain import settings
from conda_store_shared.domain.settings import Settings


def _prefix(namespace: str | None, environment: str | None) -> str:
    return "/".join(part for part in ("setting", namespace, environment) if part is not None)


async def effective_settings(
    session: AsyncSession, defaults: Settings, namespace: str | None = None, environment: str | None = None
) -> Settings:
    """Return what holds for an environment, a namespace (no environment) or the deployment (neither): one query."""
    levels = [_prefix(None, None)]
    if namespace is not None:
        levels.append(_prefix(namespace, None))
        levels += [_prefix(namespace, environment)] if environment is not None else []
    stored: dict[str, dict[str, Any]] = {prefix: {} for prefix in levels}
    rows = await session.execute(
        select(KeyValueStore.prefix, KeyValueStore.key, KeyValueStore.value).where(KeyValueStore.prefix.in_(levels))
    )
    for row in rows:
        stored[row.prefix][row.key] = row.value
    return settings.effective_settings(defaults, *stored.values())


async def store_settings(
    session: AsyncSession, namespace: str | None, environment: str | None, values: Mapping[str, Any]
) -> None:
    """Set some settings of an environment, a namespace or the deployment, replacing what was set there."""
    prefix = _prefix(namespace, environment)
    # In one order everywhere, so that no two writers wait for each other.
    rows = [{"prefix": prefix, "key": key, "value": values[key]} for key in sorted(values)]
    await upsert_all(session, KeyValueStore, rows, identity=("prefix", "key"))


async def forget_settings(
    session: AsyncSession, namespace: str | None, environment: str | None, keys: Collection[str] = ()
) -> list[str]:
    """Forget what is set at this level, all of it unless keys are named; return the keys that were set."""
    here = KeyValueStore.prefix == _prefix(namespace, environment)
    wanted = here & KeyValueStore.key.in_(sorted(keys)) if keys else here
    return sorted(await session.scalars(delete(KeyValueStore).where(wanted).returning(KeyValueStore.key)))
