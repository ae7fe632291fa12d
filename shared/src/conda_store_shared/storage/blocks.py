"""A stream cut anew: pieces of any size in, blocks of one size out."""

from collections.abc import AsyncIterator


async def blocks_of(pieces: AsyncIterator[bytes], size: int) -> AsyncIterator[list[bytes]]:
    """Yield pieces by as many as make ``size`` bytes, the last time fewer; one is cut where a block ends."""
    held: list[bytes] = []
    room = size
    async for piece in pieces:
        while len(piece) >= room:
            held.append(piece[:room])
            piece = piece[room:]
            block, held, room = held, [], size
            yield block
            del block
        if piece:
            held.append(piece)
            room -= len(piece)
    if held:
        yield held


async def batches_of(pieces: AsyncIterator[bytes], size: int) -> AsyncIterator[list[bytes]]:
    """Yield pieces by as many as make ``size`` bytes or more; none is copied."""
    batch: list[bytes] = []
    held = 0
    async for piece in pieces:
        batch.append(piece)
        held += len(piece)
        if held >= size:
            yield batch
            batch, held = [], 0
    if batch:
        yield batch
