"""The prefix of a deleted, canceled or failed build goes, and its disk space with it."""

from pathlib import Path

import structlog

from conda_store_builder.ports import PrefixStore
from conda_store_shared.contracts.events import PrefixDiscardRequested
from conda_store_shared.errors import InvalidInput

log = structlog.get_logger()


async def delete_prefix(request: PrefixDiscardRequested, *, prefixes: PrefixStore) -> None:
    """Remove it; a request for anything but a prefix of ours is refused, for good, with a word in the log."""
    try:
        await prefixes.discard(Path(request.path), request.build_key)
    except InvalidInput as refusal:
        log.error("prefix_discard_refused", path=request.path, reason=refusal.message)
