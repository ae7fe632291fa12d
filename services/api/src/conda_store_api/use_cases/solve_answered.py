"""A remote solve is over: tell whoever waits, on whichever replica."""

from datetime import datetime

from conda_store_api.repositories.solves import end_solve
from conda_store_api.use_cases.solve_remotely import NOTICES
from conda_store_shared.contracts.events import SolveAnswered, SolveRequested
from conda_store_shared.db.notices import notify
from conda_store_shared.domain.stage import FailureCode
from conda_store_shared.transaction import Transaction


async def solve_answered(event: SolveAnswered, transaction: Transaction, now: datetime) -> None:
    """Keep the answer until it is fetched."""
    await end_solve(transaction.session, event, now)
    await notify(transaction.session, NOTICES, event.solve_id)


def lost_answer(request: SolveRequested) -> SolveAnswered:
    """The answer to a request that the broker gave up on."""
    return SolveAnswered(
        solve_id=request.solve_id,
        code=FailureCode.WORKER_LOST,
        detail="the solvers that tried to solve this ended without a word",
        transient=True,
    )
