"""The registry, as clients of registries ask it, before any build leaves an image behind."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from conda_store_shared.db.engine import Database
from conda_store_shared.db.migrate import upgrade
from conda_store_shared.storage.filesystem import FilesystemStore
from tests.integration.artifacts.download_service import BUILD_KEY, DownloadService, a_token

MANIFEST = "/v2/team/what%3F/manifests/latest"


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[DownloadService]:
    async with Database(f"sqlite:///{tmp_path}/test.sqlite", pool_size=2) as database:
        await upgrade(database)
        async with FilesystemStore(tmp_path / "storage") as store:
            service = DownloadService(database=database, store=store)
            await service.add_build()
            yield service


async def ask(service: DownloadService, path: str, token: str | None = None) -> tuple[int, str]:
    """Status, and code of the error, of the answer to a GET."""
    async with service.client(token=token) as client:
        answer = await client.get(path)
    assert answer.headers["Docker-Distribution-Api-Version"] == "registry/2.0"
    return answer.status_code, answer.json()["errors"][0]["code"]


async def test_registry_greets_those_who_are_logged_in(service: DownloadService) -> None:
    async with service.client() as client:
        for path in ("/v2/", "/v2"):
            answer = await client.get(path)
            assert (answer.status_code, answer.json()) == (200, {})
        assert (await client.head("/v2/")).status_code == 200


async def test_registry_takes_a_token_as_the_password_of_anybody(service: DownloadService) -> None:
    async with service.client(token="") as client:
        answer = await client.get("/v2/", auth=httpx.BasicAuth("anybody", a_token(team=("viewer",))))
    assert answer.status_code == 200


@pytest.mark.parametrize("path", ["/v2/", MANIFEST])
async def test_registry_asks_for_a_credential_when_there_is_none(service: DownloadService, path: str) -> None:
    async with service.client(token="") as client:
        answer = await client.get(path)
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, 'Basic realm="Registry Realm"')
    assert answer.json() == {"errors": [{"code": "UNAUTHORIZED", "message": "authentication required", "detail": None}]}
    assert answer.text.startswith('{\n   "errors"')


@pytest.mark.parametrize(
    "path", ["/v2/team", "/v2/team/what", "/v2/team/what/manifests", "/v2/_catalog", "/v2/a/b/c/d"]
)
async def test_registry_refuses_what_it_does_not_know_even_to_the_anonymous(
    service: DownloadService, path: str
) -> None:
    assert await ask(service, path, token="") == (405, "UNSUPPORTED")


async def test_registry_denies_images_of_environments_the_caller_may_not_read(service: DownloadService) -> None:
    assert await ask(service, MANIFEST, a_token(other=("viewer",))) == (403, "DENIED")
    assert await ask(service, "/v2/team/what%3F/deeper/manifests/latest") == (403, "DENIED")
    assert await ask(service, "/v2/conda-store-dynamic/python.ge.3.11/manifests/latest") == (403, "DENIED")


@pytest.mark.parametrize(
    ("path", "code"),
    [
        (MANIFEST, "MANIFEST_UNKNOWN"),
        (f"/v2/team/what%3F/manifests/{BUILD_KEY}", "MANIFEST_UNKNOWN"),
        (f"/v2/team/what%3F/blobs/sha256:{'0' * 64}", "BLOB_UNKNOWN"),
        ("/v2/team/what%3F/tags/list", "NAME_UNKNOWN"),
        ("/v2/team/nothing/manifests/latest", "NAME_UNKNOWN"),
    ],
)
async def test_registry_holds_no_images(service: DownloadService, path: str, code: str) -> None:
    assert await ask(service, path) == (404, code)


async def test_registry_stays_at_the_root_of_the_server(service: DownloadService) -> None:
    async with service.client() as client:
        assert (await client.get("/conda-store/v2/")).status_code == 404
