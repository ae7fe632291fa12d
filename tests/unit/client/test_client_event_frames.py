"""Streams of server-sent events, as the HTML standard reads them."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conda_store_client.errors import UnexpectedAnswer
from conda_store_client.event_frames import Frame, FrameReader

STREAM = (
    "\ufeffretry: 2000\n\n"
    ": keep-alive\n"
    'id: 7\nevent: build.completed\ndata: {"a": "é♥\u2028\x0b"}\n\n'
    "data: first\ndata:second\ndata\nunknown: x\nid\n\n"
    "event: without data\n\n"
    "id: 9\n\n"
    "data:  two spaces: and a colon\n\n"
    "data: never ended"
)
FRAMES = [
    Frame("build.completed", '{"a": "é♥\u2028\x0b"}', "7"),
    Frame("message", "first\nsecond\n", ""),
    Frame("message", " two spaces: and a colon", "9"),
]


def read(*pieces: bytes) -> list[Frame]:
    reader = FrameReader()
    return [frame for piece in pieces for frame in reader.read(piece)]


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_reader_finds_the_events_whatever_ends_a_line(line_end: str) -> None:
    assert read(STREAM.replace("\n", line_end).encode()) == FRAMES


@pytest.mark.slow
@given(st.sampled_from(["\n", "\r\n", "\r"]), st.lists(st.integers(0, 300), max_size=12))
def test_reader_finds_the_events_however_the_stream_is_cut(line_end: str, cuts: list[int]) -> None:
    content = STREAM.replace("\n", line_end).encode()
    ends = [0, *sorted(cuts), len(content)]
    assert read(*(content[start:end] for start, end in pairwise(ends))) == FRAMES


def test_reader_finds_an_event_as_soon_as_its_empty_line_is_there() -> None:
    reader = FrameReader()
    assert list(reader.read(b"data: x\r")) == []
    assert list(reader.read(b"\r")) == [Frame("message", "x", "")]
    assert list(reader.read(b"\ndata: y\n\n")) == [Frame("message", "y", "")]


def test_reader_keeps_how_long_to_wait_and_where_to_go_on() -> None:
    reader = FrameReader(last_id="3")
    assert list(reader.read(b"retry: 1500\nretry: soon\nretry: \xc2\xb2\n\nid: a\0b\ndata: x\n\n")) == [
        Frame("message", "x", "3")
    ]
    assert (reader.retry, reader.last_id) == (1.5, "3")


def test_reader_takes_an_id_only_with_the_whole_event() -> None:
    reader = FrameReader()
    list(reader.read(b"id: 5\ndata: half"))
    assert reader.last_id == ""


def test_reader_gives_up_on_an_event_without_end() -> None:
    pieces = [b"data: " + b"x" * (1024 * 1024) + b"\n"] * 5
    with pytest.raises(UnexpectedAnswer, match="does not end"):
        read(*pieces)
    with pytest.raises(UnexpectedAnswer, match="does not end"):
        read(*(piece.strip() for piece in pieces))
