"""What is asked of a server that solves, and what its answer comes to."""

import json
from typing import Any

import pytest

from conda_store_client.connection import Connection
from conda_store_client.credentials import Anonymous
from conda_store_client.errors import ClientError, UnexpectedAnswer
from conda_store_client.solving import Requirements, read_requirements, solve
from tests.unit.client.answering_server import Answer, AnsweringServer, error

SPECIFICATION = """
name: nightly
channels: [conda-forge, "https://c.example/main"]
dependencies:
  - python >=3.11
  - numpy
  - pip: ["requests>=2", rich]
"""
REQUIREMENTS = Requirements(
    channels=("conda-forge", "https://c.example/main"), conda=("python >=3.11", "numpy"), pip=("requests>=2", "rich")
)


def test_specification_is_read_as_what_is_to_be_solved() -> None:
    assert read_requirements(SPECIFICATION, "environment.yaml") == REQUIREMENTS
    assert read_requirements("dependencies: [numpy]", "-") == Requirements(channels=(), conda=("numpy",), pip=())
    assert read_requirements('{"dependencies": null, "channels": []}', "-") == Requirements(
        channels=(), conda=(), pip=()
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name: [", "Unable to parse f.yaml. Invalid YAML"),
        ("- numpy", "f.yaml is no specification"),
        ("metadata: {}\npackage: []", "f.yaml is a lockfile"),
        ("dependencies: numpy", "the dependencies in f.yaml are no list"),
        ("dependencies: [1]", "the dependencies in f.yaml are no list of texts"),
        ("channels: main", "the channels in f.yaml are no list of texts"),
        ("dependencies: [{npm: [x]}]", "is neither text nor pip"),
        ("dependencies: [{pip: x}]", "the pip requirements in f.yaml are no list of texts"),
    ],
)
def test_file_is_refused_when_it_asks_for_nothing_that_can_be_solved(text: str, message: str) -> None:
    with pytest.raises(ClientError, match=message):
        read_requirements(text, "f.yaml")


def solved(*rows: dict[str, Any]) -> Answer:
    return Answer(200, json.dumps({"solve": rows}).encode())


def test_server_is_asked_with_the_words_it_reads(server: AnsweringServer) -> None:
    server.routes["/api/v1/specification/"] = solved({"name": "numpy"})
    assert solve(Connection(server.url, Anonymous()), REQUIREMENTS, "f.yaml") == [{"name": "numpy"}]
    [asked] = server.asked
    assert asked.query == {
        "channel": list(REQUIREMENTS.channels),
        "conda": list(REQUIREMENTS.conda),
        "pip": list(REQUIREMENTS.pip),
    }


def test_solvers_explanation_is_told_when_there_is_no_solution(server: AnsweringServer) -> None:
    server.routes["/api/v1/specification/"] = error(400, "numpy 99 does not exist")
    with pytest.raises(ClientError, match=r"^Error solving f\.yaml$") as refusal:
        solve(Connection(server.url, Anonymous()), REQUIREMENTS, "f.yaml")
    assert refusal.value.detail == "numpy 99 does not exist"


@pytest.mark.parametrize("body", [b"<html>", b"[]", b'{"data": []}'])
def test_answer_is_refused_when_it_is_none(server: AnsweringServer, body: bytes) -> None:
    server.routes["/api/v1/specification/"] = Answer(200, body)
    with pytest.raises(UnexpectedAnswer):
        solve(Connection(server.url, Anonymous()), REQUIREMENTS, "f.yaml")
