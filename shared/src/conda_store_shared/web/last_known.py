"""What a source that is asked now and then said last."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

import structlog

from conda_store_shared.errors import DatabaseUnavailable

K = TypeVar("K")
V = TypeVar("V")

# Whoever finds an answer old asks again, for so long; the others take the old one meanwhile.
_PATIENCE_SECONDS = 1.0
_LONGEST_OUTAGE_SECONDS = 300.0
KEPT = 4096

_log = structlog.get_logger()


@dataclass(slots=True, kw_only=True)
class _Answer(Generic[V]):
    value: V
    asked_at: float
    fresh_until: float
    being_renewed: bool = False


class LastKnown(Generic[K, V]):
    """Answers at most ``seconds`` old, by key; 0 asks each time.

    While the source is away, its last answers are given for five minutes.
    """

    def __init__(self, ask: Callable[[K], Awaitable[V]], *, seconds: float) -> None:
        self._ask = ask
        self._seconds = seconds
        self._answers: dict[K, _Answer[V]] = {}

    async def get(self, key: K) -> V:
        """Return the answer to ``key``; raises DatabaseUnavailable when there is none that may still be given."""
        now = asyncio.get_running_loop().time()
        known = self._answers.get(key) if self._seconds else None
        if known is None or now - known.asked_at > _LONGEST_OUTAGE_SECONDS:
            return self._keep(key, await self._ask(key), now)
        if now < known.fresh_until or known.being_renewed:
            return known.value
        return await self._renew(key, known, now)

    def forget(self) -> None:
        """Ask for everything again."""
        self._answers.clear()

    async def _renew(self, key: K, known: _Answer[V], now: float) -> V:
        known.being_renewed = True
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                return self._keep(key, await self._ask(key), now)
        except (DatabaseUnavailable, TimeoutError) as error:
            _log.warning("last_known_rights_are_used", seconds=round(now - known.asked_at), reason=repr(error))
            known.fresh_until = asyncio.get_running_loop().time() + self._seconds
            return known.value
        finally:
            known.being_renewed = False

    def _keep(self, key: K, value: V, asked_at: float) -> V:
        if self._seconds:
            self._answers.pop(key, None)
            if len(self._answers) >= KEPT:
                del self._answers[next(iter(self._answers))]
            self._answers[key] = _Answer(value=value, asked_at=asked_at, fresh_until=asked_at + self._seconds)
        return value
