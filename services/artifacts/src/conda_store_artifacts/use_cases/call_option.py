"""Calls a function of the configuration file, in a thread and for a while."""

import asyncio
from collections.abc import Callable
from typing import Any

import structlog

from conda_store_shared.domain.stage import FailureCode
from conda_store_shared.errors import StageFailure
from conda_store_shared.redaction import redact

_SECONDS = 30.0
_log = structlog.get_logger()


async def call_option(option: str, function: Callable[..., Any], *arguments: Any) -> Any:
    """Return what the function of ``option`` returns; raises StageFailure("image_not_possible") when it fails."""

    call = asyncio.ensure_future(asyncio.to_thread(function, *arguments))
    await asyncio.wait([call], timeout=_SECONDS)
    if not call.done():
        # The thread cannot be ended; nobody waits for it any more.
        call.cancel()
        problem = f"it took longer than {_SECONDS:g} s"
    elif (error := call.exception()) is not None:
        problem = f"{type(error).__name__}: {error}"
    else:
        return call.result()
    _log.warning("option_failed", option=option, reason=redact(problem))
    detail = f"the function that {option} names failed; the log of artifacts has the reason"
    raise StageFailure(FailureCode.IMAGE_NOT_POSSIBLE, detail)
