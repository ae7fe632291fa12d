"""Requests again what was to go and is not known to be gone."""

from datetime import datetime, timedelta

import structlog

from conda_store_api.repositories.discards import DiscardKind, list_due_discards, list_lost_discards
from conda_store_api.use_cases.request_discard import discard_message
from conda_store_api.use_cases.rescue_builds import Tools
from conda_store_shared.bus.port import has_nothing_waiting
from conda_store_shared.contracts.events import ArtifactDiscardRequested, LinkDiscardRequested, PrefixDiscardRequested
from conda_store_shared.contracts.topology import ARTIFACTS, BUILDER, queue_name

log = structlog.get_logger()
_AT_ONCE = 200
# Who cannot do it now may be able to in a moment; who still cannot then is asked less and less often.
_SOON = 4
_LONGEST_PAUSE = 600.0
_QUEUES = {
    DiscardKind.PREFIX: queue_name(BUILDER, PrefixDiscardRequested),
    DiscardKind.ARTIFACTS: queue_name(ARTIFACTS, ArtifactDiscardRequested),
    DiscardKind.LINK: queue_name(BUILDER, LinkDiscardRequested),
}


async def rescue_discards(tools: Tools, now: datetime, *, everything: bool = False) -> int:
    """Request what is due for the first time, and what was lost; return how many requests.

    With ``everything`` all requests are lost, because the bus died with us.  What waits in a queue is not lost.
    Raises BusUnavailable, DatabaseUnavailable: the next round tries again.
    """
    again = 0
    for kind, queue in _QUEUES.items():
        # A full batch may have left more behind.
        while everything and (number := await _request(tools, kind, now, everything=True)):
            again += number
        while await has_nothing_waiting(tools.bus, queue) and (number := await _request(tools, kind, now)):
            again += number
    return again


async def _request(tools: Tools, kind: DiscardKind, now: datetime, *, everything: bool = False) -> int:
    unheard = tools.options.unheard
    async with tools.transactions.begin() as transaction:
        session = transaction.session
        if everything:
            rows = await list_lost_discards(session, kind, now, _AT_ONCE)
        else:
            rows = await list_due_discards(session, kind, now, timedelta(seconds=unheard), _AT_ONCE)
        for row in rows:
            row.requests += 1
            row.requested_on = now
            row.not_before = now + timedelta(seconds=_pause(unheard, row.requests))
            transaction.publish(discard_message(row))
    if rows:
        log.info("discards_requested_again", kind=kind, number=len(rows))
    return len(rows)


def _pause(unheard: float, requests: int) -> float:
    return min(_LONGEST_PAUSE, unheard * 2.0 ** min(max(requests - _SOON, 0), 20))
