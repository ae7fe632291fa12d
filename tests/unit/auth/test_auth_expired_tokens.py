"""Which rows of tokens are kept."""

from datetime import datetime, timedelta
from typing import Any

from conda_store_auth.use_cases.forget_expired_tokens import forget_expired_tokens
from conda_store_shared.db.models import IssuedToken

HOUR = timedelta(hours=1)


async def test_row_of_a_token_goes_a_day_after_its_end(auth: Any, now: datetime) -> None:
    naive = now.replace(tzinfo=None)
    ends = {"lives": HOUR, "just over": -HOUR, "over": -23 * HOUR, "long over": -25 * HOUR}
    async with auth.transactions.begin() as transaction:
        for identifier, end in {**ends, "endless": None}.items():
            transaction.session.add(
                IssuedToken(
                    id=identifier,
                    kind="script",
                    primary_namespace="alice",
                    created_on=naive,
                    expires_on=None if end is None else naive + end,
                    revoked_on=naive,
                )
            )
    for _ in range(2):
        await forget_expired_tokens(auth.transactions, naive)
    assert {row.id for row in await auth.recorded()} == {"lives", "just over", "over", "endless"}
