"""One call in one child: what is asked, how long and how much memory it may take, and why it ended."""

import asyncio
import contextlib
import signal
from dataclasses import dataclass, field
from typing import Any

from conda_store_shared.child import processes
from conda_store_shared.child.launcher import Child
from conda_store_shared.child.protocol import BrokenStream, Frame
from conda_store_shared.child.report import Report
from conda_store_shared.domain.stage import FailureCode
from conda_store_shared.errors import StageFailure

_MEMORY_INTERVAL = 0.25
# From the end of a child's socket to the zygote's word of how it ended.
_EXIT_TIMEOUT = 2.5


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildCall:
    """One call: ``function`` is "package.module:callable" and takes ``(arguments, report)``, plain or async.

    ``arguments`` and the result are JSON.  ``timeout`` counts in seconds from the moment a child is free;
    ``memory_bytes`` limits the resident memory of the child and all it starts, together.
    """

    function: str
    arguments: dict[str, Any] = field(repr=False)
    timeout: float
    memory_bytes: int | None = None


async def run_call(child: Child, call: ChildCall, report: Report) -> Frame:
    """Return the child's answer.  Raises StageFailure when there is none; the caller then ends the child."""
    kills = processes.kernel_oom_kills()
    conversation = asyncio.create_task(_converse(child, call, report), name="child-call")
    watch = asyncio.create_task(_exceed(child, call.memory_bytes), name="child-memory")
    try:
        done, _ = await asyncio.wait({conversation, watch}, timeout=call.timeout, return_when=asyncio.FIRST_COMPLETED)
    finally:
        conversation.cancel()
        watch.cancel()
        await asyncio.gather(conversation, watch, return_exceptions=True)
    if conversation in done:
        return conversation.result() or await _explain_end(child, kills)
    if watch in done:
        limit = (call.memory_bytes or 0) / 2**20
        detail = f"stopped: more memory in use than the {limit:.0f} MiB this step may take"
        raise StageFailure(FailureCode.OUT_OF_MEMORY, detail)
    raise StageFailure(FailureCode.TIMEOUT, f"stopped: not finished within {call.timeout:g} seconds")


async def _converse(child: Child, call: ChildCall, report: Report) -> Frame | None:
    await child.requests.send({"function": call.function, "arguments": call.arguments})
    with contextlib.suppress(BrokenStream):
        while (frame := await child.requests.receive()) is not None:
            if "progress" not in frame:
                return frame
            done, total, unit = frame["progress"]
            report.progress(done, total, unit)
    return None


async def _exceed(child: Child, limit: int | None) -> None:
    """Return when the child and all it started hold more than ``limit`` bytes; never without a limit."""
    if limit is None:
        await asyncio.get_running_loop().create_future()
        return
    # The kernel tells of no limit crossed by several processes together, so memory is looked at.
    while processes.resident_bytes([child.pid, *processes.descendants(child.pid)]) <= limit:  # noqa: ASYNC110
        await asyncio.sleep(_MEMORY_INTERVAL)


async def _explain_end(child: Child, kills: int) -> Frame:
    """Raises StageFailure; ``kills`` is the kernel's count before the call."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_EXIT_TIMEOUT):
            await child.gone.wait()
    status = child.status
    if status == -signal.SIGKILL and processes.kernel_oom_kills() > kills:
        raise StageFailure(FailureCode.OUT_OF_MEMORY, "the system ended the process because it had no memory left")
    if status is None:
        detail = "the process was lost"
    elif status < 0:
        detail = f"the process was ended by {signal.Signals(-status).name}"
    else:
        detail = f"the process left early with status {status}"
    raise StageFailure(FailureCode.WORKER_LOST, detail, transient=True)
