"""Which fragments are being made in this process, so that artifacts of one build prepare its packages once."""

import asyncio
from collections.abc import Collection, Iterator
from contextlib import contextmanager


class FragmentClaims:
    """Who makes a fragment claims it; others wait for its end, however that is, and then look again."""

    def __init__(self) -> None:
        self._ended: dict[str, asyncio.Event] = {}

    def free(self, ids: Collection[str]) -> list[str]:
        """Those of ``ids`` that nobody makes."""
        return [each for each in ids if each not in self._ended]

    @contextmanager
    def claimed(self, ids: Collection[str]) -> Iterator[None]:
        """Make them, which nobody else does meanwhile."""
        ended = asyncio.Event()
        self._ended |= dict.fromkeys(ids, ended)
        try:
            yield
        finally:
            for each in ids:
                del self._ended[each]
            ended.set()

    async def wait(self, ids: Collection[str]) -> None:
        """Return when one of ``ids``, all of which are being made, may be there."""
        waiting = {asyncio.ensure_future(event.wait()) for event in {self._ended[each] for each in ids}}
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in waiting:
                task.cancel()
