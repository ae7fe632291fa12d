"""Compression by several threads."""

import gzip
import io
import random

import pytest

from conda_store_artifacts.adapters.gzip_stream import GzipStream


def compress(content: bytes, threads: int = 2, step: int = 70_000) -> bytes:
    sink = io.BytesIO()
    with GzipStream(sink, level=3, threads=threads) as stream:
        for start in range(0, len(content), step):
            assert stream.write(content[start : start + step]) == len(content[start : start + step])
        assert stream.tell() == len(content)
    return sink.getvalue()


def some_content(size: int) -> bytes:
    return random.Random(1).randbytes(size // 2) + b"conda " * (size // 12)


@pytest.mark.parametrize("size", [0, 1, 1024 * 1024, 7 * 1024 * 1024 + 3])
def test_stream_can_be_read_by_gzip(size: int) -> None:
    content = some_content(size)
    assert gzip.decompress(compress(content)) == content


def test_stream_has_the_same_bytes_whatever_the_number_of_threads() -> None:
    content = some_content(9 * 1024 * 1024)
    assert compress(content, threads=1) == compress(content, threads=4)


def test_stream_has_the_same_bytes_however_much_is_written_at_once() -> None:
    content = some_content(5 * 1024 * 1024)
    assert compress(content, step=70_000) == compress(content, step=3 * 1024 * 1024)


def test_stream_names_no_time() -> None:
    assert compress(b"x")[4:8] == b"\0\0\0\0"


class FullDisk(io.BytesIO):
    """Takes the first bytes only."""

    def write(self, content: object, /) -> int:
        if self.tell() > 100:
            raise OSError(28, "No space left on device")
        return super().write(content)  # type: ignore[arg-type]


def write_much(sink: io.BytesIO) -> None:
    with GzipStream(sink, level=1, threads=2) as stream:
        for _ in range(40):
            stream.write(random.Random(1).randbytes(1024 * 1024))


def test_stream_tells_when_the_disk_is_full() -> None:
    with pytest.raises(OSError, match="No space left"):
        write_much(FullDisk())
