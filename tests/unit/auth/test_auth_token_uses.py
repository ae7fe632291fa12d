"""What auth makes of the word that a token was used."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from conda_store_auth.use_cases.note_token_use import note_token_use
from conda_store_shared.contracts.events import TokenUsed
from conda_store_shared.db.models import IssuedToken

MINUTE = timedelta(minutes=1)


async def say(auth: Any, identifier: str, used_at: datetime, primary_namespace: str = "alice") -> None:
    async with auth.transactions.begin() as transaction:
        event = TokenUsed(
            token_id=identifier,
            primary_namespace=primary_namespace,
            expires_at=used_at + timedelta(hours=1),
            used_at=used_at,
        )
        await note_token_use(event, transaction)


async def log_in(auth: Any) -> IssuedToken:
    async with auth.client() as browser:
        await browser.post("/login/", json={"username": "alice", "password": "password"})
    [row] = await auth.recorded()
    assert isinstance(row, IssuedToken)
    return row


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 2), (2, 0, 2)])
async def test_newest_use_is_kept_in_whatever_order_it_is_said(
    auth: Any, now: datetime, order: tuple[int, ...]
) -> None:
    token = await log_in(auth)
    for minutes in order:
        await say(auth, token.id, now + minutes * MINUTE)
    [row] = await auth.recorded()
    assert row.last_used_on == (now + 2 * MINUTE).replace(tzinfo=None)
    assert (row.kind, row.created_on, row.expires_on) == (token.kind, token.created_on, token.expires_on)


async def test_token_of_another_installation_is_recorded_when_it_is_first_used(auth: Any, now: datetime) -> None:
    for minutes in (0, 1):
        await say(auth, "d" * 64, now + minutes * MINUTE)
    [row] = await auth.recorded()
    assert (row.id, row.kind, row.name, row.primary_namespace) == ("d" * 64, "foreign", None, "alice")
    assert (row.created_on, row.last_used_on) == (now.replace(tzinfo=None), (now + MINUTE).replace(tzinfo=None))
    assert row.expires_on == (now + timedelta(hours=1)).replace(tzinfo=None)


@pytest.mark.parametrize("name", ["", "x" * 256, "a\x00", "\ud800", "a b"])
async def test_token_of_a_name_that_can_be_no_namespace_is_not_recorded(auth: Any, now: datetime, name: str) -> None:
    await say(auth, "d" * 64, now, name)
    assert await auth.recorded() == []
