"""The registry, as clients of registries ask it for what builds left behind (contract §1.8)."""

import base64
import hashlib
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from sqlalchemy import delete

from conda_store_shared.db.engine import Database
from conda_store_shared.db.models import BuildArtifact, Environment, Namespace
from conda_store_shared.storage.filesystem import FilesystemStore
from conda_store_shared.storage.s3 import S3Options, S3Store
from conda_store_shared.transaction import Transactions
from tests.integration.artifacts.download_service import BEGAN, BUILD_KEY, DownloadService, a_token, token_of
from tests.integration.artifacts.stored_image import (
    LAYER,
    PLATFORMS,
    add_environment,
    add_image,
    add_other_build,
    change_build,
)

IMAGE = "/v2/team/what%3F"
MANIFEST = f"{IMAGE}/manifests/latest"
LAYER_DIGEST = f"sha256:{hashlib.sha256(LAYER).hexdigest()}"
BLOB = f"{IMAGE}/blobs/{LAYER_DIGEST}"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
BEARER = (
    'Bearer realm="http://conda-store.example/v2/token",service="conda-store.example",'
    'scope="repository:team/what?:pull"'
)


@pytest.fixture
async def service(sqlite_url: str, tmp_path: Path) -> AsyncIterator[DownloadService]:
    async with Database(sqlite_url, pool_size=2) as database, FilesystemStore(tmp_path / "storage") as store:
        service = DownloadService(database=database, store=store)
        await service.add_build()
        await change_build(service, status="COMPLETED")
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


@pytest.mark.parametrize(("path", "scope"), [("/v2/", ""), (MANIFEST, BEARER)])
async def test_registry_asks_for_a_credential_when_there_is_none(
    service: DownloadService, path: str, scope: str
) -> None:
    async with service.client(token="") as client:
        answer = await client.get(path)
    basic, bearer = answer.headers.get_list("www-authenticate")
    assert (answer.status_code, basic) == (401, 'Basic realm="Registry Realm"')
    assert bearer == (scope or BEARER.partition(",scope")[0])
    assert answer.json() == {"errors": [{"code": "UNAUTHORIZED", "message": "authentication required", "detail": None}]}
    assert answer.text.startswith('{\n   "errors"')


@pytest.mark.parametrize(
    "path", ["/v2/team", "/v2/team/what", "/v2/team/what/manifests", "/v2/_catalog", "/v2/a/b/c/d"]
)
async def test_registry_refuses_what_it_does_not_know_even_to_the_anonymous(
    service: DownloadService, path: str
) -> None:
    assert await ask(service, path, token="") == (405, "UNSUPPORTED")


@pytest.mark.parametrize(
    "path", ["team/what%3F/deeper/manifests/latest", "conda-store-dynamic/python.ge.3.11/manifests/latest",
             "team/what%3F/manifests/latest", f"team/what%3F/blobs/{LAYER_DIGEST}", "team/what%3F/tags/list"],
)  # fmt: skip
async def test_registry_denies_images_of_environments_the_caller_may_not_read(
    service: DownloadService, path: str
) -> None:
    await add_image(service)
    assert await ask(service, f"/v2/{path}", a_token(other=("viewer",))) == (403, "DENIED")


@pytest.mark.parametrize(
    ("path", "code"),
    [
        (f"{IMAGE}/manifests/nonsense", "MANIFEST_UNKNOWN"),
        (f"{IMAGE}/manifests/sha256:{'0' * 64}", "MANIFEST_UNKNOWN"),
        (f"{IMAGE}/manifests/sha512:{'0' * 128}", "MANIFEST_UNKNOWN"),
        (f"{IMAGE}/blobs/sha256:{'0' * 64}", "BLOB_UNKNOWN"),
        (f"{IMAGE}/blobs/sha256:0", "BLOB_UNKNOWN"),
        (f"{IMAGE}/tags/list", "NAME_UNKNOWN"),
        ("/v2/team/nothing/manifests/latest", "NAME_UNKNOWN"),
        (f"/v2/team/nothing/manifests/{BUILD_KEY}", "NAME_UNKNOWN"),
        (f"/v2/team/nothing/blobs/{LAYER_DIGEST}", "NAME_UNKNOWN"),
        ("/v2/team/empty/manifests/latest", "MANIFEST_UNKNOWN"),
    ],
)
async def test_registry_says_what_of_a_request_it_does_not_know(service: DownloadService, path: str, code: str) -> None:
    assert await ask(service, path) == (404, code)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
async def test_registry_takes_no_images_and_says_so_in_words_that_clients_read(
    service: DownloadService, method: str
) -> None:
    async with service.client() as client:
        answer = await client.request(method, f"{IMAGE}/blobs/uploads/")
    (error,) = answer.json()["errors"]
    assert (answer.status_code, error["code"], answer.headers["Allow"]) == (405, "UNSUPPORTED", "GET, HEAD")
    assert error["message"].startswith("The operation is unsupported: images are made of environments here")


async def test_registry_stays_at_the_root_of_the_server(service: DownloadService) -> None:
    async with service.client() as client:
        assert (await client.get("/conda-store/v2/")).status_code == 404


@pytest.mark.parametrize("tag", ["latest", BUILD_KEY])
async def test_image_is_pulled_by_tag_then_by_digest(service: DownloadService, tag: str) -> None:
    made = await add_image(service)
    tag = tag.replace("?", "%3F")
    async with service.client() as client:
        answer = await client.get(f"{IMAGE}/manifests/{tag}", headers={"Accept": OCI_MANIFEST})
        digest = answer.headers["Docker-Content-Digest"]
        head = await client.head(f"{IMAGE}/manifests/{tag}", headers={"Accept": OCI_MANIFEST})
        again = await client.get(f"{IMAGE}/manifests/{digest}")
        blobs = [answer.json()["config"], *answer.json()["layers"]]
        contents = [(await client.get(f"{IMAGE}/blobs/{blob['digest']}")).content for blob in blobs]
    assert answer.headers["Content-Type"] == again.headers["Content-Type"] == OCI_MANIFEST
    assert digest == f"sha256:{hashlib.sha256(answer.content).hexdigest()}"
    assert answer.content == again.content in [document.content for document in made.documents]
    assert head.content == b""
    assert {name: head.headers[name] for name in ("docker-content-digest", "content-length", "content-type")} == {
        "docker-content-digest": digest,
        "content-length": str(len(answer.content)),
        "content-type": OCI_MANIFEST,
    }
    for blob, content in zip(blobs, contents, strict=True):
        assert (f"sha256:{hashlib.sha256(content).hexdigest()}", len(content)) == (blob["digest"], blob["size"])


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        (DOCKER_MANIFEST, DOCKER_MANIFEST),
        (f"{OCI_INDEX}, {OCI_MANIFEST}", OCI_INDEX),
        ("*/*", "application/vnd.docker.distribution.manifest.list.v2+json"),
    ],
)
async def test_client_gets_the_form_that_it_accepts(service: DownloadService, accept: str, media_type: str) -> None:
    await add_image(service, *PLATFORMS)
    async with service.client() as client:
        answer = await client.get(MANIFEST, headers={"Accept": accept})
    assert answer.headers["Content-Type"] == answer.json()["mediaType"] == media_type


async def test_client_may_name_the_forms_it_accepts_on_lines_of_their_own(service: DownloadService) -> None:
    await add_image(service)
    lines = [("Accept", "application/json"), ("Accept", OCI_MANIFEST)]
    async with service.client() as client:
        # In place of the one line that the client would add.
        request = client.build_request("GET", MANIFEST)
        del request.headers["Accept"]
        request.headers = httpx.Headers([*request.headers.multi_items(), *lines])
        answer = await client.send(request)
    assert answer.headers["Content-Type"] == OCI_MANIFEST


async def test_client_that_takes_no_form_is_told_which_there_are(service: DownloadService) -> None:
    await add_image(service)
    async with service.client() as client:
        answer = await client.get(MANIFEST, headers={"Accept": "application/vnd.docker.distribution.manifest.v1+json"})
    (error,) = answer.json()["errors"]
    assert (answer.status_code, error["code"]) == (404, "MANIFEST_UNKNOWN")
    assert DOCKER_MANIFEST in error["detail"]


async def test_client_that_has_the_manifest_already_is_told_so(service: DownloadService) -> None:
    await add_image(service)
    async with service.client() as client:
        tag = (await client.get(MANIFEST)).headers["ETag"]
        assert (await client.get(MANIFEST, headers={"If-None-Match": tag})).status_code == 304


async def test_blob_is_had_in_parts(service: DownloadService) -> None:
    await add_image(service)
    async with service.client() as client:
        head = await client.head(BLOB)
        part = await client.get(BLOB, headers={"Range": "bytes=10-19"})
        beyond = await client.get(BLOB, headers={"Range": f"bytes={len(LAYER)}-"})
    assert (head.status_code, head.headers["Content-Length"]) == (200, str(len(LAYER)))
    assert (part.status_code, part.content) == (206, LAYER[10:20])
    assert part.headers["Content-Range"] == f"bytes 10-19/{len(LAYER)}"
    assert head.headers["Docker-Content-Digest"] == part.headers["Docker-Content-Digest"] == LAYER_DIGEST
    assert beyond.status_code == 416


async def test_blobs_and_manifests_are_had_through_the_images_that_have_them_alone(service: DownloadService) -> None:
    made = await add_image(service)
    await add_environment(service, 1, "other", 7)
    digest = f"sha256:{made.usual.digest}"
    assert await ask(service, f"/v2/team/other/blobs/{LAYER_DIGEST}") == (404, "BLOB_UNKNOWN")
    assert await ask(service, f"/v2/team/other/manifests/{digest}") == (404, "MANIFEST_UNKNOWN")


async def test_image_that_was_kept_of_a_deleted_build_is_had_all_the_same(service: DownloadService) -> None:
    await add_image(service)
    await change_build(service, deleted_on=BEGAN)
    async with service.client() as client:
        statuses = [(await client.get(path)).status_code for path in (MANIFEST, BLOB, f"{IMAGE}/tags/list")]
    assert statuses == [200, 200, 200]


async def test_image_of_a_deleted_build_is_unknown(service: DownloadService) -> None:
    await add_image(service)
    await change_build(service, deleted_on=BEGAN)
    # As deletion does, before anything is taken from the store.
    async with Transactions(service.database, "test").begin() as transaction:
        await transaction.session.execute(delete(BuildArtifact))
    for path, code in (
        (MANIFEST, "MANIFEST_UNKNOWN"), (BLOB, "BLOB_UNKNOWN"), (f"{IMAGE}/tags/list", "NAME_UNKNOWN"),
    ):  # fmt: skip
        assert await ask(service, path) == (404, code)


async def test_image_of_a_deleted_environment_is_unknown_by_name(service: DownloadService) -> None:
    await add_image(service)
    async with Transactions(service.database, "test").begin() as transaction:
        (await transaction.session.get_one(Environment, 1)).deleted_on = BEGAN
    assert await ask(service, MANIFEST) == (404, "NAME_UNKNOWN")


async def test_tags_are_latest_and_every_build_with_an_image(service: DownloadService) -> None:
    await add_image(service)
    await add_other_build(service, 2)
    await add_other_build(service, 3)
    await add_image(service, build_id=3)
    async with service.client() as client:
        answer = await client.get(f"{IMAGE}/tags/list")
    assert answer.json() == {"name": "team/what?", "tags": [BUILD_KEY, f"3-{BUILD_KEY}", "latest"]}


async def test_tags_are_read_page_by_page(service: DownloadService) -> None:
    for build_id in range(2, 6):
        await add_other_build(service, build_id)
        await add_image(service, build_id=build_id)
    seen: list[str] = []
    address: str | None = f"{IMAGE}/tags/list?n=2"
    async with service.client() as client:
        while address:
            answer = await client.get(address)
            seen += answer.json()["tags"]
            assert len(answer.json()["tags"]) <= 2
            address = answer.links["next"]["url"] if "next" in answer.links else None
    assert seen == sorted(f"{build_id}-{BUILD_KEY}" for build_id in range(2, 6))


async def test_blob_on_s3_is_had_from_there(
    service: DownloadService, s3_options: S3Options
) -> None:
    async with S3Store(s3_options) as store:
        service.store = store
        await add_image(service)
        async with service.client() as client, httpx.AsyncClient() as direct:
            head = await client.head(BLOB)
            answer = await client.get(BLOB)
            content = (await direct.get(answer.headers["Location"])).content
            manifest = await client.get(MANIFEST)
    assert (head.status_code, head.headers["Content-Length"]) == (200, str(len(LAYER)))
    assert (answer.status_code, content) == (307, LAYER)
    assert manifest.status_code == 200


async def get_token(service: DownloadService, *scopes: str, credential: str) -> str:
    """A token for images, by the credential of Basic authentication."""
    async with service.client(token="") as client:
        answer = await client.get(
            "/v2/token",
            params=[("service", "conda-store.example"), *(("scope", scope) for scope in scopes)],
            auth=httpx.BasicAuth("anybody", credential),
        )
    told = answer.json()
    assert (answer.status_code, told["expires_in"] <= 300, told["token"]) == (200, True, told["access_token"])
    return str(told["token"])


async def test_token_for_an_image_pulls_that_image_and_is_worth_nothing_elsewhere(service: DownloadService) -> None:
    await add_image(service)
    await add_environment(service, 1, "other", 7)
    token = await get_token(service, "repository:team/what?:pull,push", credential=a_token(team=("viewer",)))
    async with service.client(token=token) as client:
        assert (await client.get(MANIFEST)).status_code == 200
        assert (await client.get("/v2/")).status_code == 200
        assert (await client.get("/v2/team/other/tags/list")).status_code == 403
        assert (await client.get("/conda-store/api/v1/build/1/yaml/")).status_code == 403
        assert (await client.get("/v2/token")).status_code == 401


async def test_token_allows_no_more_than_whoever_asks_for_it(service: DownloadService) -> None:
    await add_image(service)
    token = await get_token(service, "repository:team/what?:pull", credential=a_token(other=("admin",)))
    assert await ask(service, MANIFEST, token) == (403, "DENIED")
    claims = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
    assert claims["access"] == [{"type": "repository", "name": "team/what?", "actions": []}]


async def test_nobody_gets_a_token_without_a_credential(service: DownloadService) -> None:
    async with service.client(token="") as client:
        answer = await client.get("/v2/token", params={"scope": "repository:team/what?:pull"})
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (401, "UNAUTHORIZED")


async def test_token_is_worth_nothing_when_the_one_it_was_issued_for_is_revoked(service: DownloadService) -> None:
    await add_image(service)
    credential = a_token(team=("viewer",))
    token = await get_token(service, "repository:team/what?:pull", credential=credential)
    async with service.client(token=token) as client:
        assert (await client.get(MANIFEST)).status_code == 200
    await service.revoke(hashlib.sha256(credential.encode()).hexdigest())
    assert await ask(service, MANIFEST, token) == (401, "UNAUTHORIZED")


async def test_token_ends_with_the_one_it_was_issued_for(service: DownloadService) -> None:
    credential = token_of({"team": ("viewer",)}, timedelta(seconds=30))
    async with service.client(token="") as client:
        answer = await client.get("/v2/token", auth=httpx.BasicAuth("anybody", credential))
    assert answer.json()["expires_in"] <= 30


async def test_namespace_that_is_deleted_has_no_images(service: DownloadService) -> None:
    await add_image(service)
    async with Transactions(service.database, "test").begin() as transaction:
        (await transaction.session.get_one(Namespace, 1)).deleted_on = BEGAN
    assert await ask(service, MANIFEST) == (404, "NAME_UNKNOWN")
