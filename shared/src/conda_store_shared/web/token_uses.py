"""Says which tokens are used, without holding a request up."""

import asyncio
from collections import deque
from datetime import datetime, timedelta
from uuid import uuid4

import structlog

from conda_store_shared.bus.port import Bus
from conda_store_shared.contracts.envelope import Envelope
from conda_store_shared.contracts.events import TokenUsed
from conda_store_shared.errors import BusUnavailable
from conda_store_shared.web.token_reader import KnownToken

_BETWEEN = timedelta(minutes=1)
_KEPT = 4096

_log = structlog.get_logger()


class TokenUses:
    """Publishes ``token.used`` for ``service``: for each token at most once a minute, from a task of its own.

    What cannot be published is forgotten, and the token's next use is said instead.
    """

    def __init__(self, bus: Bus, service: str) -> None:
        self._bus = bus
        self._service = service
        self._noted: dict[str, datetime] = {}
        self._waiting: deque[TokenUsed] = deque(maxlen=_KEPT)
        self._wake = asyncio.Event()

    def note(self, known: KnownToken, now: datetime) -> None:
        """Note that a token was used; returns at once."""
        identifier, token = known.identifier, known.token
        if identifier is None or now - self._noted.get(identifier, datetime.min.replace(tzinfo=now.tzinfo)) < _BETWEEN:
            return
        self._noted.pop(identifier, None)
        if len(self._noted) >= _KEPT:
            del self._noted[next(iter(self._noted))]
        self._noted[identifier] = now
        self._waiting.append(
            TokenUsed(
                token_id=identifier,
                primary_namespace=token.primary_namespace,
                expires_at=token.expiration,
                used_at=now,
            )
        )
        self._wake.set()

    async def run(self) -> None:
        """Publish for ever what is noted."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._waiting:
                await self._say(self._waiting.popleft())

    async def _say(self, event: TokenUsed) -> None:
        message_id = uuid4().hex
        envelope = Envelope(
            event=event,
            message_id=message_id,
            source=self._service,
            time=event.used_at,
            correlation_id=message_id,
        )
        try:
            await self._bus.publish(envelope.encode())
        except BusUnavailable as error:
            self._noted.pop(event.token_id, None)
            _log.info("token_use_not_said", reason=error.message)
