"""No request needs two connections to the database at once: many such requests would wait for each other."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from conda_store_api.config import ApiOptions
from conda_store_api.domain.policy import LedgerOptions
from conda_store_api.main import Parts, build
from conda_store_api.use_cases.ledger.stage_failed import RetryPolicy
from conda_store_artifacts.config import DownloadOptions
from conda_store_artifacts.main import build_downloads
from conda_store_shared.bus.memory import MemoryBus
from conda_store_shared.db.engine import Database
from conda_store_shared.domain.permission import RoleBinding
from conda_store_shared.storage.filesystem import FilesystemStore
from conda_store_shared.web.application import create_application
from conda_store_shared.web.authentication import AuthorizationOptions
from conda_store_shared.web.tokens import Token, TokenSigner
from tests.unit.api.ledger_builders import Ledger, a_policy

SECRET = "a secret for these tests, and for nothing else"
BUILD = "/api/v1/build/{build_id}"
REQUESTS = [
    ("GET", "/api/v1/namespace/"),
    ("GET", "/api/v1/namespace/team/"),
    ("PUT", "/api/v1/namespace/team/"),
    ("GET", "/api/v1/namespace/team/roles"),
    ("GET", "/api/v1/setting/team/weather/"),
    ("GET", "/api/v1/usage/"),
    ("GET", "/api/v1/environment/"),
    ("GET", "/api/v2/environment/"),
    ("GET", "/api/v1/environment/team/weather/"),
    ("GET", "/api/v1/build/"),
    ("GET", f"{BUILD}/"),
    ("PUT", f"{BUILD}/"),
    ("PUT", f"{BUILD}/cancel/"),
    ("GET", f"{BUILD}/packages/"),
    ("GET", f"{BUILD}/stages/"),
    ("GET", f"{BUILD}/logs/"),
    ("GET", f"{BUILD}/yaml/"),
    ("GET", f"{BUILD}/lockfile/"),
    ("GET", "/api/v1/environment/team/weather/conda-lock.yml"),
    ("GET", "/storage/lockfile/{build_key}.yml"),
]


def a_token() -> str:
    binding = RoleBinding.parse("*/*", ["admin"])
    expiration = datetime.now(UTC) + timedelta(hours=1)
    return TokenSigner(SECRET).sign(Token(expiration=expiration, primary_namespace="team", bindings=(binding,)))


@pytest.mark.parametrize(("method", "path"), REQUESTS)
async def test_request_needs_one_connection_when_its_caller_is_known(
    postgres_url: str, tmp_path: Path, method: str, path: str
) -> None:
    authorization = AuthorizationOptions(secret=SECRET)
    options = ApiOptions(
        policy=a_policy(), ledger=LedgerOptions(), retry=RetryPolicy(), authorization=authorization
    )
    async with Database(postgres_url, pool_size=1) as database, FilesystemStore(tmp_path) as store:
        submitted, bus = await Ledger(database, store).submit(), MemoryBus()
        services = [
            build(options, Parts(bus=bus, store=store, database=database)),
            build_downloads(
                DownloadOptions(authorization=authorization, url_prefix=""), bus=bus, database=database, store=store
            ),
        ]
        application = create_application([route for service in services for route in service.routes])
        headers = {"Authorization": f"Bearer {a_token()}"}
        transport = httpx.ASGITransport(application)
        async with httpx.AsyncClient(transport=transport, base_url="http://here", headers=headers) as client:
            address = path.format(build_id=submitted.id, build_key=submitted.build_key)
            answer = await client.request(method, address)
        assert answer.status_code in (200, 307, 404), answer.text
