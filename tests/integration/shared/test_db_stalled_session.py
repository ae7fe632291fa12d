"""What becomes of locks whose holder stands still."""

import asyncio

import pytest
from sqlalchemy import text

from conda_store_shared.db.engine import Database
from conda_store_shared.errors import DatabaseUnavailable


async def test_locks_are_free_again_when_their_holder_stands_still(postgres_url: str) -> None:
    async with Database(postgres_url) as database:
        with pytest.raises(DatabaseUnavailable):  # noqa: PT012 - what is raised is raised at the end
            async with database.session(write=True) as session:
                shown = await session.scalar(text("SHOW idle_in_transaction_session_timeout"))
                assert shown == "1min"
                await session.execute(text("SET LOCAL idle_in_transaction_session_timeout = '200ms'"))
                await session.execute(text("SELECT pg_advisory_xact_lock(7)"))
                await asyncio.sleep(0.5)
                async with database.session() as other:
                    assert await other.scalar(text("SELECT pg_try_advisory_xact_lock(7)"))
                await session.execute(text("SELECT 1"))
