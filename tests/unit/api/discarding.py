"""What builder and artifacts answer to the ledger's requests to take something away."""

from collections.abc import Sequence

from conda_store_shared.contracts import events
from tests.unit.api.ledger_builders import Ledger

DISCARDS = (events.PrefixDiscardRequested, events.ArtifactDiscardRequested, events.LinkDiscardRequested)


def answer_to(request: events.Event) -> events.Event | None:
    """The fact that all is gone that a request names; None for any other message."""
    if isinstance(request, events.LinkDiscardRequested):
        return events.LinkDiscarded(environment_id=request.environment_id, discard_id=request.discard_id)
    if isinstance(request, events.PrefixDiscardRequested):
        kind: type[events.PrefixDiscarded | events.ArtifactDiscarded] = events.PrefixDiscarded
    elif isinstance(request, events.ArtifactDiscardRequested):
        kind = events.ArtifactDiscarded
    else:
        return None
    return kind(build_id=request.build_id, build_key=request.build_key, discard_id=request.discard_id)


async def answered(ledger: Ledger, messages: Sequence[events.Event] | None = None) -> list[type[events.Event]]:
    """Answer every request to take something away; return the types of all messages."""
    taken = await ledger.take() if messages is None else messages
    await ledger.apply(*(fact for fact in map(answer_to, taken) if fact is not None))
    return [type(message) for message in taken]
