"""What is deployed for the broker says the same as the code: users, rights, limits."""

import base64
import hashlib
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from conda_store_shared.config.bus import Bus
from conda_store_shared.contracts.events import ArtifactRequested, PrefixRequested, SolveRequested
from conda_store_shared.contracts.topology import (
    API,
    DEAD_LETTER_EXCHANGE,
    EVENTS_EXCHANGE,
    EXCHANGE,
    ROUTES,
    SERVICES,
    dead_queue_name,
    durable_queues,
    queue_name,
)
from conda_store_shared.testing.servers.rabbitmq import DEPLOYED, USERS, definitions_for, password_of
from conda_store_shared.worker.reporter import PIECE_BYTES

EXCHANGES = {EXCHANGE, DEAD_LETTER_EXCHANGE}
QUEUES = {name for queue in durable_queues() for name in (queue.name, dead_queue_name(queue.name))}
# Dead ones of these are the ledger's to answer.
REQUESTS = (SolveRequested, PrefixRequested, ArtifactRequested)
LOST = {dead_queue_name(queue_name(route.consumers[0], route.event)) for route in ROUTES if route.event in REQUESTS}


@pytest.fixture(scope="module")
def definitions() -> Any:
    """What the script prints."""
    return definitions_for("conda-store")


@pytest.fixture(scope="module")
def conf() -> dict[str, str]:
    """The lines of rabbitmq.conf."""
    lines = (DEPLOYED / "rabbitmq.conf").read_text().splitlines()
    return dict(re.split(r"\s*=\s*", line, maxsplit=1) for line in lines if line and not line.startswith("#"))


def matching(pattern: str, names: set[str]) -> set[str]:
    """Those that RabbitMQ would let through: it looks for the pattern anywhere in the name."""
    return {name for name in names if re.search(pattern, name)}


@pytest.mark.parametrize("service", SERVICES)
def test_service_may_do_to_its_queues_what_it_must_and_to_others_nothing(definitions: Any, service: str) -> None:
    [rights] = [one for one in definitions["permissions"] if one["user"] == service]
    foreign = {"events.mine", "amq.topic", "amq.default", f"{service}.0123abcd", f"not-{service}.x", "apix", ""}
    names = {*QUEUES, *EXCHANGES, EVENTS_EXCHANGE, *foreign}
    own = {name for name in names if name.startswith(f"{service}.")} | (LOST if service == API else set())
    # Public events are told by api alone.
    public = {EVENTS_EXCHANGE} if service == API else set()
    assert matching(rights["configure"], names) == own | public
    assert matching(rights["write"], names) == own | EXCHANGES | public
    assert matching(rights["read"], names) == own | EXCHANGES


@pytest.mark.parametrize("service", SERVICES)
def test_service_publishes_and_takes_the_messages_of_the_topology(definitions: Any, service: str) -> None:
    [rights] = [one for one in definitions["topic_permissions"] if one["user"] == service]
    keys = {route.event.routing_key for route in ROUTES} | {"solve", "solve-requested", "a.solve.requested.b"}
    assert rights["exchange"] == EXCHANGE
    assert matching(rights["write"], keys) == {
        route.event.routing_key for route in ROUTES if service in route.publishers
    }
    assert matching(rights["read"], keys) == {route.event.routing_key for route in ROUTES if service in route.consumers}


def test_consumers_of_events_have_queues_of_their_own_which_are_kept_short(definitions: Any) -> None:
    [rights] = [one for one in definitions["permissions"] if one["user"] == "events"]
    foreign = {"amq.topic", "amq.default", "events.", "my.events.x", "api.events", ""}
    names = {*QUEUES, *EXCHANGES, EVENTS_EXCHANGE, *foreign}
    own = {"events.mine", "events.team.ci"}
    assert matching(rights["configure"], names | own) == matching(rights["write"], names | own) == own
    assert matching(rights["read"], names | own) == own | {EVENTS_EXCHANGE}
    [policy] = definitions["policies"]
    assert matching(policy["pattern"], QUEUES | own) == own
    assert policy["definition"]["overflow"] == "drop-head"


def test_exchanges_are_those_of_the_code(definitions: Any) -> None:
    assert {one["name"] for one in definitions["exchanges"]} == EXCHANGES | {EVENTS_EXCHANGE}


def test_users_are_known_by_hashes_of_their_passwords_alone(definitions: Any) -> None:
    assert [user["name"] for user in definitions["users"]] == list(USERS)
    for user in definitions["users"]:
        kept = base64.b64decode(user["password_hash"])
        assert kept[4:] == hashlib.sha256(kept[:4] + password_of(user["name"]).encode()).digest()
        assert "password-of" not in str(user)
        assert user["tags"] == {"operator": ["administrator"], "watcher": ["monitoring"]}.get(user["name"], [])


def test_script_says_whose_password_is_missing(tmp_path: Path) -> None:
    for user in USERS:
        (tmp_path / f"rabbitmq_{user}").write_text("" if user == "solver" else user)
    done = subprocess.run(
        ["sh", DEPLOYED / "make_definitions.sh", tmp_path], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.endswith("rabbitmq_solver is missing or empty: it must hold the password of solver\n")


def test_broker_takes_messages_back_when_services_expect_it(conf: dict[str, str]) -> None:
    assert int(conf["consumer_timeout"]) == 1000 * Bus().consumer_timeout


def test_broker_takes_every_message_of_ours(conf: dict[str, str]) -> None:
    assert int(conf["max_message_size"]) > 2 * 6 * PIECE_BYTES
