"""Who may do what: every route, asked by callers of every kind, against the table beside this file."""

import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from traitlets.config import Config

from conda_store_api.main import Parts
from conda_store_shared.assembly.process import Process, make_application
from conda_store_shared.bus.memory import MemoryBus
from conda_store_shared.config.server import CondaStoreServer
from conda_store_shared.db.engine import Database
from conda_store_shared.db.migrate import upgrade
from conda_store_shared.db.models import Build, BuildArtifact, Environment, IssuedToken, Model, Namespace, Specification
from conda_store_shared.domain.permission import RoleBinding
from conda_store_shared.storage.filesystem import FilesystemStore
from conda_store_shared.transaction import Transactions
from conda_store_shared.web.tokens import Token, TokenSigner
from conda_store_shared.web.unstorable import unstorable_value
from conda_store_standalone.composition import serving
from conda_store_standalone.route_tables import every_route

TABLE = Path(__file__).with_name("authorization_table.txt")
SECRET = "a secret for these tests, and for nothing else"
NOW = datetime(2026, 11, 22, 11, 0)
KEY = "0123abcd-1700000000-1-weather"

# From nobody to everything; the foreign one is administrator of another namespace.
BINDINGS = {
    "anonymous": None,
    "expired": {"team/*": ["admin"]},
    "revoked": {"team/*": ["admin"]},
    "foreign": {"other/*": ["admin"]},
    "viewer": {"team/*": ["viewer"]},
    "developer": {"team/*": ["developer"]},
    "admin": {"team/*": ["admin"]},
    "root": {"*/*": ["admin"]},
}
PLACES = {
    "namespace": "team",
    "environment": "weather",
    "build_id": "1",
    "key": f"lockfile/{KEY}.yml",
    "rest": "team/weather/tags/list",
    "name": "swagger-ui.css",
    "token_id": "0" * 32,
    # Of nobody: to all others a webhook is not there, whoever they are.
    "webhook_id": "1",
    "delivery_id": "1",
}
# What a handler needs to see before it asks whether the caller may do it.
BODIES: dict[str, Any] = {
    "POST /api/v1/specification/": {"specification": "name: weather\ndependencies: [python]", "namespace": "team"},
    "PUT /api/v1/setting/": {},
    "PUT /api/v1/setting/{namespace}/": {},
    "PUT /api/v1/setting/{namespace}/{environment}/": {},
    "PUT /api/v1/namespace/{namespace}/metadata": {},
}
QUERIES = {"/api/v1/specification/": "?conda=python", "/api/v1/namespace/{namespace}/role": "?other_namespace=other"}
# They end with their reader; whom they let in, HEAD is told as well.
STREAMS = {"/api/v1/event/stream/", "/api/v1/build/{build_id:int}/events/"}
OPERATIONS = sorted(
    ((method, route.declared_path) for route in every_route() for method in route.endpoints),
    key=lambda each: (each[0] == "DELETE", each[1], each[0]),
)


def table() -> dict[str, dict[str, bool]]:
    """The table as it is written: whether a caller of each kind may do an operation."""
    header, *lines = [line for line in TABLE.read_text().splitlines() if line and not line.startswith("#")]
    kinds = header.split()[2:]
    return {
        f"{method} {path}": {kind: cell == "yes" for kind, cell in zip(kinds, cells, strict=True)}
        for method, path, *cells in map(str.split, lines)
    }


def token_of(kind: str) -> str | None:
    """A token of a caller of this kind."""
    roles_of = BINDINGS[kind]
    if roles_of is None:
        return None
    age = -timedelta(seconds=1) if kind == "expired" else timedelta(hours=1)
    # Each request shows a token of its own, since one of them revokes the token it shows.
    token_id = kind if kind == "revoked" else uuid4().hex
    bindings = tuple(RoleBinding.parse(arn, roles) for arn, roles in roles_of.items())
    return TokenSigner(SECRET).sign(
        Token(expiration=datetime.now(UTC) + age, primary_namespace=kind, bindings=bindings, token_id=token_id)
    )


@asynccontextmanager
async def open_suite(directory: Path) -> AsyncIterator[httpx.AsyncClient]:
    """Everything that answers requests, over one build, with nobody at work behind it."""
    config = Config()
    config.AuthenticationBackend.secret = SECRET
    config.CondaStore.store_directory = str(directory / "state")
    config.CondaStore.conda_max_solve_time = 1
    async with (
        Database(f"sqlite:///{directory}/suite.sqlite") as database,
        FilesystemStore(directory / "storage") as store,
    ):
        await upgrade(database)
        await _fill(database)
        bus = MemoryBus()
        services = serving(config, Parts(bus=bus, store=store, database=database), alone=True)
        process = Process(services=services, bus=bus, translate=(unstorable_value,))
        transport = httpx.ASGITransport(make_application(process, CondaStoreServer(config=config)))
        async with httpx.AsyncClient(transport=transport, base_url="http://conda-store.example", timeout=60) as client:
            yield client


async def _fill(database: Database) -> None:
    made = {"kind": "script", "primary_namespace": "team", "created_on": NOW}
    build = Build(
        id=1, specification_id=1, environment_id=1, status="COMPLETED", scheduled_on=NOW, ended_on=NOW, rank=4,
        build_key_version=2, build_key=KEY,
    )  # fmt: skip
    rows: list[list[Model]] = [
        [Namespace(id=1, name="team"), Namespace(id=2, name="other")],
        [Environment(id=1, namespace_id=1, name="weather", current_build_id=1)],
        [Specification(id=1, name="weather", spec={"name": "weather"}, sha256="0" * 64, created_on=NOW)],
        [build],
        [IssuedToken(id="revoked", revoked_on=NOW, **made), IssuedToken(id=PLACES["token_id"], **made)],
        [BuildArtifact(build_id=1, artifact_type="LOCKFILE", key=f"lockfile/{KEY}.yml")],
    ]
    async with Transactions(database, "test").begin() as transaction:
        for group in rows:
            transaction.session.add_all(group)
            await transaction.session.flush()


async def is_allowed(client: httpx.AsyncClient, operation: str, kind: str) -> bool:
    """Whether a caller of this kind is not refused; what else is wrong with the request does not matter."""
    method, path = operation.split()
    address = re.sub(r"\{(\w+)(?::\w+)?\}", lambda found: PLACES[found[1]], path) + QUERIES.get(path, "")
    token = token_of(kind)
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    body = BODIES.get(operation)
    sent = {} if body is None else {"json": body}
    answer = await client.request("HEAD" if path in STREAMS else method, address, headers=headers, **sent)
    assert answer.status_code < 500 or answer.status_code == 503, (operation, kind, answer.text)
    return answer.status_code not in (401, 403)


def refusals(written: dict[str, dict[str, bool]]) -> Iterator[tuple[str, str]]:
    """Operations that callers of some kind may not do."""
    return ((operation, kind) for operation, kinds in written.items() for kind, may in kinds.items() if not may)


@pytest.mark.timeout(120)
async def test_every_caller_may_do_what_the_table_says_and_nothing_else(tmp_path: Path) -> None:
    seen: dict[str, dict[str, bool]] = {}
    async with open_suite(tmp_path) as client:
        for kind in BINDINGS:
            for method, path in OPERATIONS:
                operation = f"{method} {path}"
                seen.setdefault(operation, {})[kind] = await is_allowed(client, operation, kind)
    assert seen == table()


def test_table_grants_more_to_each_role_than_to_the_one_before() -> None:
    ladder = ("anonymous", "viewer", "developer", "admin", "root")
    for operation, kinds in table().items():
        allowed = [kinds[kind] for kind in ladder]
        assert allowed == sorted(allowed), operation


@pytest.mark.parametrize("kind", ["expired", "revoked"])
def test_credential_that_ran_out_or_was_taken_back_is_worth_no_more_than_none(kind: str) -> None:
    assert all(kinds[kind] == kinds["anonymous"] for kinds in table().values())


def test_table_refuses_something_to_everybody_but_the_root() -> None:
    refused = {kind for _, kind in refusals(table())}
    assert refused == set(BINDINGS) - {"root"}
