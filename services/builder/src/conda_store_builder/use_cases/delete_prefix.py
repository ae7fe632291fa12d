"""The prefix of a deleted, canceled or failed build goes, and its disk space with it."""

from pathlib import Path

import structlog

from conda_store_builder.ports import PrefixStore
from conda_store_shared.contracts.events import PrefixDiscarded, PrefixDiscardRequested
from conda_store_shared.errors import InvalidInput

log = structlog.get_logger()


async def delete_prefix(request: PrefixDiscardRequested, *, prefixes: PrefixStore) -> PrefixDiscarded | None:
    """Remove it; None when somebody is still at work on it, so that it is to be asked for again.

    A request for anything but a prefix of ours is refused, for good, with a word in the log.
    """
    try:
        if not await prefixes.discard(Path(request.path), request.build_key):
            return None
    except InvalidInput as refusal:
        log.error("prefix_discard_refused", path=request.path, reason=refusal.message)
    return PrefixDiscarded(build_id=request.build_id, build_key=request.build_key, discard_id=request.discard_id)
