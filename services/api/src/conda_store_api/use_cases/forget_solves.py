"""Forgets remote solves whose replica died while somebody waited."""

from datetime import datetime, timedelta

from conda_store_api.repositories.solves import list_forsaken_solves
from conda_store_api.use_cases.solve_remotely import RemoteSolveTools, forget_solve

# Longer than anybody is let wait.
_LONGEST_WAIT = timedelta(hours=1)


async def forget_solves(tools: RemoteSolveTools, now: datetime) -> int:
    """Leave nothing of them; return how many."""
    async with tools.transactions.database.session() as session:
        forsaken = await list_forsaken_solves(session, now - _LONGEST_WAIT)
    for solve_id in forsaken:
        await forget_solve(solve_id, tools, cancel=True)
    return len(forsaken)
