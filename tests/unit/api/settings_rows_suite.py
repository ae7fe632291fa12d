"""What rows of settings must do on every database."""

from typing import Any

from sqlalchemy import select

from conda_store_api.repositories.settings import effective_settings, store_settings
from conda_store_shared.db.models import KeyValueStore
from tests.unit.api.ledger_builders import Ledger
from tests.unit.shared.settings_builders import some_settings

LEVELS = ((None, None), ("team", None), ("team", "weather"), ("team", "rain"), ("lab", None))


class SettingsRowsSuite:
    """Suites below run on the ledger of their directory."""

    async def test_settings_are_those_of_their_level(self, ledger: Ledger) -> None:
        for number, level in enumerate(LEVELS):
            await keep(ledger, *level, conda_channel_alias=f"https://{number}.example")
        aliases = [(await found(ledger, *level)).conda_channel_alias for level in LEVELS]
        assert aliases == [f"https://{number}.example" for number in range(5)]
        assert (await found(ledger, "team", "snow")).conda_channel_alias == "https://1.example"
        assert (await found(ledger, "unknown", "weather")).conda_channel_alias == "https://0.example"

    async def test_settings_are_the_defaults_when_nothing_is_kept(self, ledger: Ledger) -> None:
        assert await found(ledger, "team", "weather") == some_settings()

    async def test_value_is_replaced_when_it_is_kept_again(self, ledger: Ledger) -> None:
        await keep(ledger, None, None, default_uid=3, default_gid=4)
        await keep(ledger, None, None, default_uid=None, conda_allowed_channels=["a", "b"])
        settings = await found(ledger)
        assert (settings.default_uid, settings.default_gid) == (None, 4)
        assert settings.conda_allowed_channels == ("a", "b")
        async with ledger.database.session() as session:
            rows = (await session.scalars(select(KeyValueStore).order_by(KeyValueStore.key))).all()
        assert [(row.prefix, row.key, row.value) for row in rows] == [
            ("setting", "conda_allowed_channels", ["a", "b"]),
            ("setting", "default_gid", 4),
            ("setting", "default_uid", None),
        ]


async def keep(ledger: Ledger, namespace: str | None, environment: str | None, **values: Any) -> None:
    """Keep some settings."""
    async with ledger.transactions.begin() as transaction:
        await store_settings(transaction.session, namespace, environment, values)


async def found(ledger: Ledger, namespace: str | None = None, environment: str | None = None) -> Any:
    """Return what holds."""
    async with ledger.database.session() as session:
        return await effective_settings(session, some_settings(), namespace, environment)
