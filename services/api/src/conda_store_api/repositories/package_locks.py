"""Keeps rows of packages from vanishing while a transaction is about to refer to them.

On SQLite transactions that write go one by one, and nothing is to be done.
"""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

# Any number will do, as long as nothing else locks it.
_LOCK = 0x7061636B_61
_STATEMENTS = {
    function: text(f"SELECT {function}({_LOCK})")
    for function in ("pg_advisory_xact_lock_shared", "pg_advisory_xact_lock")
}


async def hold_packages(session: AsyncSession) -> None:
    """Let no row of a package vanish until this transaction ends; before anything else of packages is locked."""
    await _lock(session, "pg_advisory_xact_lock_shared")


async def own_packages(session: AsyncSession) -> None:
    """Wait for all who hold packages, and let nobody else until this transaction ends; it is to be short."""
    await _lock(session, "pg_advisory_xact_lock")


async def _lock(session: AsyncSession, function: str) -> None:
    if session.get_bind().dialect.name == "postgresql":
        await session.execute(_STATEMENTS[function])
