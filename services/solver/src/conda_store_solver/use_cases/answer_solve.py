"""Specification of somebody who waits in, packages out; nothing is built."""

from conda_store_shared.child.report import SilentReport
from conda_store_shared.contracts.events import SolveAnswered, SolveRequested
from conda_store_shared.domain.canonical import sha256_hex
from conda_store_shared.domain.order import SolveOrder
from conda_store_shared.domain.solved_packages import write_packages
from conda_store_shared.domain.storage_keys import solve_answer_key, solve_order_key
from conda_store_shared.errors import NotFound, StageFailure
from conda_store_shared.redaction import redact
from conda_store_solver.use_cases.solve_specification import MAXIMUM_ORDER_BYTES, SolveTools

# A message has at most a megabyte, and a character that is not ASCII takes up to twelve bytes of it.
_LONGEST_DETAIL = 80_000


async def answer_solve(request: SolveRequested, tools: SolveTools) -> SolveAnswered | None:
    """Put the packages of a remote solve to the object store; None when nobody waits for them any more.

    Raises StorageUnavailable when the object store does not answer.
    """
    try:
        content = await tools.store.get(solve_order_key(request.solve_id), MAXIMUM_ORDER_BYTES)
    except NotFound:
        return None
    try:
        packages = await tools.solver.find_packages(SolveOrder.from_bytes(content), SilentReport())
    except StageFailure as failure:
        return SolveAnswered(
            solve_id=request.solve_id,
            code=failure.cause,
            detail=redact(failure.detail).replace("\x00", "")[:_LONGEST_DETAIL],
            transient=failure.transient,
        )
    answer = write_packages(packages)
    await tools.store.put(solve_answer_key(request.solve_id), answer, "application/json")
    return SolveAnswered(solve_id=request.solve_id, answer_digest=sha256_hex(answer))
