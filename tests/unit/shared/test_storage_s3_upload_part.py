"""A part of an upload, as those who sign and send it see it."""

import os
from typing import Any

from conda_store_shared.storage.s3_upload_part import UploadPart

PIECES = [b"", os.urandom(700_000), b"x", os.urandom(256 * 1024), os.urandom(10)]


class Writer:
    """What aiohttp hands a body."""

    def __init__(self) -> None:
        self.written: list[bytes] = []

    async def write(self, chunk: Any) -> None:
        self.written.append(bytes(chunk))


def read_all(part: UploadPart) -> bytes:
    return b"".join(iter(lambda: bytes(part.read(1024 * 1024)), b""))


async def test_part_is_read_and_sent_as_if_its_pieces_were_joined_and_again_when_asked_for() -> None:
    part, writer = UploadPart(PIECES), Writer()
    whole = b"".join(PIECES)
    assert len(part) == part.size == len(whole)
    for _ in range(2):
        assert read_all(part) == whole
        assert part.seek(part.tell()) == 0
    for _ in range(2):
        writer.written.clear()
        await part.write(writer)  # type: ignore[arg-type]
        assert b"".join(writer.written) == whole
        assert max(map(len, writer.written)) <= 256 * 1024


def test_part_without_content_is_empty() -> None:
    part = UploadPart([])
    assert len(part) == 0
    assert read_all(part) == b""
