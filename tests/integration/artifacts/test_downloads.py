"""Redirects, logs and stored objects over HTTP, on both databases."""

import itertools
from dataclasses import replace

import httpx
import pytest

from conda_store_shared.db.engine import Database
from conda_store_shared.storage.s3 import S3Options, S3Store
from tests.integration.artifacts.download_service import BUILD_KEY, DownloadService, a_token

BUILD = "/conda-store/api/v1/build/1"
QUOTED_KEY = "0123abcd-1700000000-1-what%3F"
STORAGE = "/conda-store/storage"
LOCKFILE = f"{STORAGE}/lockfile/{QUOTED_KEY}.yml"


async def test_artifacts_are_redirects_whether_they_exist_or_not(client: httpx.AsyncClient) -> None:
    wanted = {
        "yaml/": f"{STORAGE}/yaml/{QUOTED_KEY}.yml",
        "archive/": f"{STORAGE}/archive/{QUOTED_KEY}.tar.gz",
        "lockfile/": LOCKFILE,
        "conda-lock.yml": LOCKFILE,
        "conda-lock.yaml": LOCKFILE,
    }
    for path, location in wanted.items():
        for spelling in (path.rstrip("/"), path.rstrip("/") + "/"):
            for method in ("GET", "HEAD"):
                answer = await client.request(method, f"{BUILD}/{spelling}")
                assert (answer.status_code, answer.headers["location"]) == (307, location), spelling


async def test_current_lockfile_of_an_environment_is_a_redirect(client: httpx.AsyncClient) -> None:
    for name in ("lockfile/", "lockfile", "conda-lock.yml", "conda-lock.yaml"):
        answer = await client.get(f"/conda-store/api/v1/environment/team/what%3F/{name}")
        assert (answer.status_code, answer.headers["location"]) == (307, LOCKFILE)


async def test_redirect_goes_to_the_recorded_key_when_there_is_one(
    service: DownloadService, client: httpx.AsyncClient
) -> None:
    await service.add_artifact("YAML", "yaml/of-old.yml")
    assert (await client.get(f"{BUILD}/yaml/")).headers["location"] == f"{STORAGE}/yaml/of-old.yml"


async def test_lockfile_of_a_build_from_before_lockfiles_is_an_explicit_list(
    service: DownloadService, client: httpx.AsyncClient
) -> None:
    await service.add_artifact("LOCKFILE", "")
    await service.add_package(1, "zlib", "linux-64")
    await service.add_package(2, "attrs", "noarch")
    answer = await client.get(f"{BUILD}/lockfile/")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/plain; charset=utf-8")
    assert answer.text.splitlines() == [
        "#platform: linux-64",
        "@EXPLICIT",
        "https://conda.example.org/main/noarch/attrs-1.0-h1_0.tar.bz2#md5-of-attrs",
        "https://conda.example.org/main/linux-64/zlib-1.0-h1_0.tar.bz2#md5-of-zlib",
    ]


async def test_build_routes_tell_existence_first_and_then_ask_for_permission(service: DownloadService) -> None:
    names = ("logs/", "logs/?position=0", "yaml/", "archive/", "lockfile/", "conda-lock.yml")
    for name, token in itertools.product(names, ("", a_token(other=["admin"]))):
        async with service.client(token=token) as stranger:
            refused = await stranger.get(f"{BUILD}/{name}")
            missing = await stranger.get(f"/conda-store/api/v1/build/2/{name}")
            unreadable = await stranger.get(f"/conda-store/api/v1/build/x/{name}")
        assert (refused.status_code, refused.json()["message"]) == (403, "request not authorized")
        assert (missing.status_code, missing.json()["message"]) == (404, "build id does not exist")
        assert unreadable.status_code == 422


async def test_environment_routes_tell_what_is_missing(service: DownloadService, client: httpx.AsyncClient) -> None:
    environment = "/conda-store/api/v1/environment"
    absent = await client.get(f"{environment}/team/absent/lockfile/")
    empty = await client.get(f"{environment}/team/empty/lockfile/")
    async with service.client(token="") as stranger:
        refused = await stranger.get(f"{environment}/team/what%3F/lockfile/")
    assert (absent.status_code, absent.json()["message"]) == (404, "environment does not exist")
    assert (empty.status_code, empty.json()["message"]) == (404, "build id does not exist")
    assert refused.status_code == 403


async def test_log_is_followed_while_it_is_written(service: DownloadService, client: httpx.AsyncClient) -> None:
    first = await client.get(f"{BUILD}/logs/", follow_redirects=True)
    assert str(first.url).endswith(f"{BUILD}/logs/?position=0")
    assert (first.status_code, first.text, first.headers["x-log-complete"]) == (200, "", "false")
    assert first.headers["content-type"] == "text/plain; charset=utf-8"

    await service.add_log("aa", 0, "solving\n")
    await service.add_log("aa", 2, "third\n")
    second = await client.get(f"{BUILD}/logs/", params={"position": first.headers["x-log-position"]})
    assert second.text == "solving\n"

    # An attempt that began earlier speaks later, and the missing piece comes.
    await service.add_log("bb", 0, "packing ♥\n", began=-5)
    await service.add_log("aa", 1, "second\n")
    third = await client.get(f"{BUILD}/logs/", params={"position": second.headers["x-log-position"]})
    assert third.text == "packing ♥\nsecond\nthird\n"
    assert third.headers["x-log-complete"] == "false"

    await service.store_log("the whole\n")
    last = await client.get(f"{BUILD}/logs/", params={"position": third.headers["x-log-position"]})
    assert (last.text, last.headers["x-log-complete"]) == ("", "true")
    assert last.headers["x-log-position"] == third.headers["x-log-position"]


async def test_long_log_comes_in_parts_and_is_complete_at_the_last(
    service: DownloadService, client: httpx.AsyncClient
) -> None:
    for sequence in range(70):
        await service.add_log("aa", sequence, f"line {sequence}\n")
    await service.store_log("the whole\n")
    position, complete, text = "0", "false", ""
    while complete == "false":
        answer = await client.get(f"{BUILD}/logs/", params={"position": position})
        position, complete = answer.headers["x-log-position"], answer.headers["x-log-complete"]
        text += answer.text
    assert text == "".join(f"line {sequence}\n" for sequence in range(70))


async def test_stored_log_is_a_redirect(service: DownloadService, client: httpx.AsyncClient) -> None:
    await service.store_log("the whole\n")
    answer = await client.get(f"{BUILD}/logs/")
    assert answer.headers["location"] == f"{STORAGE}/logs/{QUOTED_KEY}.log"
    assert (await client.get(answer.headers["location"])).text == "the whole\n"


async def test_log_position_that_was_never_given_is_refused(client: httpx.AsyncClient) -> None:
    answer = await client.get(f"{BUILD}/logs/", params={"position": "-1"})
    assert (answer.status_code, answer.json()["status"]) == (400, "error")


async def test_object_is_served_whole_with_validators(service: DownloadService, client: httpx.AsyncClient) -> None:
    await service.store.put(f"yaml/{BUILD_KEY}.yml", b"name: what\n", "text/yaml")
    answer = await client.get(f"{BUILD}/yaml/", follow_redirects=True)
    assert (answer.status_code, answer.content) == (200, b"name: what\n")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["content-length"] == "11"
    assert answer.headers["accept-ranges"] == "bytes"
    assert answer.headers["last-modified"].endswith(" GMT")
    again = await client.get(answer.url, headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", answer.headers["etag"])


async def test_object_is_served_in_part(service: DownloadService, client: httpx.AsyncClient) -> None:
    await service.store.put(f"archive/{BUILD_KEY}.tar.gz", bytes(range(200)), "application/gzip")
    url = f"{STORAGE}/archive/{QUOTED_KEY}.tar.gz"
    part = await client.get(url, headers={"Range": "bytes=190-"})
    assert (part.status_code, part.content) == (206, bytes(range(190, 200)))
    assert part.headers["content-range"] == "bytes 190-199/200"
    assert part.headers["content-type"] == "application/x-tar"
    beyond = await client.get(url, headers={"Range": "bytes=200-"})
    assert (beyond.status_code, beyond.headers["content-range"]) == (416, "bytes */200")


async def test_head_of_an_object_tells_its_size(service: DownloadService, client: httpx.AsyncClient) -> None:
    await service.store.put(f"archive/{BUILD_KEY}.tar.gz", b"x" * 5_000_000, "application/gzip")
    answer = await client.head(f"{STORAGE}/archive/{QUOTED_KEY}.tar.gz")
    assert (answer.status_code, answer.content, answer.headers["content-length"]) == (200, b"", "5000000")


async def test_object_is_refused_to_those_who_may_not_read_the_build(service: DownloadService) -> None:
    await service.store_log("secret\n")
    async with service.client(token="") as stranger:
        refused = await stranger.get(f"{STORAGE}/logs/{QUOTED_KEY}.log")
        absent = await stranger.get(f"{STORAGE}/yaml/{QUOTED_KEY}.yml")
    assert [refused.status_code, absent.status_code] == [403, 403]


async def test_object_that_nobody_may_fetch_is_not_found(service: DownloadService, client: httpx.AsyncClient) -> None:
    for kind in ("order", "prefix"):
        await service.store.put(f"{kind}/{BUILD_KEY}.json", b"{}", "application/json")
    for path in (
        f"logs/{QUOTED_KEY}.log",
        "logs/0000abcd-1700000000-9-other.log",
        f"order/{QUOTED_KEY}.json",
        f"prefix/{QUOTED_KEY}.json",
        f"canceled/{QUOTED_KEY}",
        "logs/..%2F..%2Ftest.log",
        "%2e%2e/test.sqlite",
        "..%2Ftest.sqlite",
        "",
        "logs",
        "logs/%00.log",
        "yaml/" + "x" * 300 + ".yml",
    ):
        answer = await client.get(f"{STORAGE}/{path}")
        assert (answer.status_code, answer.json()) == (404, {"detail": "Not Found"}), path


async def test_redirects_of_an_s3_store_lead_to_the_object_itself(database: Database, s3_options: S3Options) -> None:
    async with S3Store(s3_options) as store:
        service = DownloadService(database=database, store=store)
        await service.add_build()
        await store.put(f"lockfile/{BUILD_KEY}.yml", b"{}", "application/json")
        async with service.client() as client, httpx.AsyncClient() as outside:
            answer = await client.get(f"{BUILD}/lockfile/")
            fetched = await outside.get(answer.headers["location"])
            hidden = await client.get(LOCKFILE)
    assert answer.status_code == 307
    assert (fetched.status_code, fetched.content) == (200, b"{}")
    assert fetched.headers["content-type"] == "application/json"
    assert hidden.status_code == 404


async def test_objects_of_an_s3_store_that_users_do_not_reach_are_streamed(
    database: Database, s3_options: S3Options
) -> None:
    async with S3Store(replace(s3_options, redirects=False)) as store:
        service = DownloadService(database=database, store=store)
        await service.add_build()
        await store.put(f"lockfile/{BUILD_KEY}.yml", b"{}", "application/json")
        async with service.client() as client:
            answer = await client.get(f"{BUILD}/lockfile/")
            fetched = await client.get(answer.headers["location"])
    assert answer.headers["location"] == LOCKFILE
    assert (fetched.status_code, fetched.content) == (200, b"{}")


@pytest.mark.parametrize(
    ("name", "kind", "told"),
    [
        ("docker", "DOCKER_MANIFEST", "Build 1 doesn't have a docker manifest"),
        ("installer", "CONSTRUCTOR_INSTALLER", "Build 1 doesn't have an installer"),
    ],
)
async def test_build_without_image_or_installer_says_so(
    service: DownloadService, client: httpx.AsyncClient, name: str, kind: str, told: str
) -> None:
    absent = await client.get(f"{BUILD}/{name}/")
    assert (absent.status_code, absent.json()) == (400, {"status": "error", "message": told})
    await service.add_artifact(kind, f"installer/{BUILD_KEY}.sh")
    assert (await client.get(f"{BUILD}/{name}/")).status_code in (200, 307)
    assert (await client.get(f"/conda-store/api/v1/build/2/{name}/")).status_code == 404


async def test_image_of_a_build_is_named_as_it_is_pulled(service: DownloadService, client: httpx.AsyncClient) -> None:
    await service.add_artifact("DOCKER_MANIFEST", f"docker/manifest/{BUILD_KEY}")
    answer = await client.get(f"{BUILD}/docker/")
    assert (answer.text, answer.headers["Deprecation"]) == (f"localhost:8080/team/what?:{BUILD_KEY}", "True")
    service.registry = "images.example:5000"
    async with service.client() as elsewhere:
        answer = await elsewhere.get(f"{BUILD}/docker/")
    assert answer.text == f"images.example:5000/team/what?:{BUILD_KEY}"
