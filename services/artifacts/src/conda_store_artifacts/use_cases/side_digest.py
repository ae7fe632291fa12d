"""A digest that is worked out beside the reading and writing of what it is of."""

import asyncio
import hashlib

# Less is hashed in the time it takes to hand it to a thread.
_WORTH_A_THREAD = 128 * 1024


class SideDigest:
    """SHA-256 of pieces, one of which is hashed in a thread while the next is fetched; ``size`` is that of all."""

    def __init__(self) -> None:
        self.size = 0
        self._hasher = hashlib.sha256()
        self._hashing: asyncio.Future[None] | None = None

    async def update(self, piece: bytes) -> None:
        """Take the next piece; returns when the one before is hashed."""
        await self._settle()
        self.size += len(piece)
        if len(piece) < _WORTH_A_THREAD:
            self._hasher.update(piece)
        else:
            self._hashing = asyncio.get_running_loop().run_in_executor(None, self._hasher.update, piece)

    async def hexdigest(self) -> str:
        """The digest of what was taken so far."""
        await self._settle()
        return self._hasher.hexdigest()

    async def _settle(self) -> None:
        if self._hashing is not None:
            await self._hashing
            self._hashing = None
