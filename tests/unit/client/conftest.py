"""Servers with prepared answers."""

from collections.abc import Iterator

import pytest

from tests.unit.client.answering_server import AnsweringServer


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
