"""Servers with prepared answers."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.client.answering_server import AnsweringServer
from tests.unit.client.calling import Caller


@pytest.fixture
def server() -> Iterator[AnsweringServer]:
    """The server a client talks to."""
    with AnsweringServer() as running:
        yield running


@pytest.fixture
def other_server() -> Iterator[AnsweringServer]:
    """A server that is somebody else's."""
    with AnsweringServer() as running:
        yield running


@pytest.fixture
def call(server: AnsweringServer, tmp_path: Path) -> Caller:
    """The command, for that server."""
    return Caller(server.url, tmp_path)
