"""Locks of a build in the forms that other programs read, over HTTP, on both databases."""

import httpx
import pytest
import yaml

from conda_store_shared.domain.lockfile import Lockfile
from conda_store_shared.domain.locks.explicit_reading import read_explicit_list
from conda_store_shared.domain.locks.pixi_reading import read_pixi_lock
from tests.integration.artifacts.download_service import DownloadService, a_token
from tests.integration.artifacts.locked_builds import a_lockfile, an_order

BUILD = "/conda-store/api/v1/build/1"
CURRENT = "/conda-store/api/v1/environment/team/what%3F"
NAMES = ("pixi.lock", "explicit/", "environment.yml")


@pytest.mark.parametrize("place", [BUILD, CURRENT])
async def test_build_s_lock_is_told_in_every_form(
    service: DownloadService, client: httpx.AsyncClient, place: str
) -> None:
    await service.complete(a_lockfile(), an_order())
    pixi = await client.get(f"{place}/pixi.lock")
    assert (pixi.status_code, pixi.headers["content-type"]) == (200, "text/yaml; charset=utf-8")
    assert {one.url for one in Lockfile.from_value(read_pixi_lock(yaml.safe_load(pixi.text))).packages} == {
        one.url for one in a_lockfile().packages
    }
    listed = await client.get(f"{place}/explicit/")
    assert (listed.status_code, listed.headers["content-type"]) == (200, "text/plain; charset=utf-8")
    assert listed.headers["content-disposition"] == 'inline; filename="conda-linux-64.lock"'
    found = Lockfile.from_value(read_explicit_list(listed.text))
    assert [one.name for one in found.packages] == ["attrs", "zlib", "Flask_Login"]
    environment = yaml.safe_load((await client.get(f"{place}/environment.yml")).text)
    assert environment == {
        "name": "what?",
        "channels": ["conda-forge", "https://c.example.org/own"],
        "dependencies": ["attrs=1.0=h1_0", "zlib=1.0=h1_0", {"pip": ["Flask_Login==1.0"]}],
        "platforms": ["linux-64", "osx-arm64"],
    }
    for name in NAMES:
        for spelling in (name.rstrip("/"), name.rstrip("/") + "/"):
            assert (await client.head(f"{place}/{spelling}")).status_code == 200


async def test_lock_of_another_platform_is_told_when_it_is_asked_for(
    service: DownloadService, client: httpx.AsyncClient
) -> None:
    await service.complete(a_lockfile(), an_order())
    listed = await client.get(f"{BUILD}/explicit/?platform=osx-arm64")
    assert listed.text.splitlines()[1:] == [
        "# platform: osx-arm64",
        "@EXPLICIT",
        f"https://conda.anaconda.org/conda-forge/noarch/attrs-1.0-h1_0.conda#{'0' * 32}",
    ]
    environment = yaml.safe_load((await client.get(f"{BUILD}/environment.yml?platform=osx-arm64")).text)
    assert environment["dependencies"] == ["attrs=1.0=h1_0"]
    for name in ("explicit/", "environment.yml", "sbom/"):
        refused = await client.get(f"{BUILD}/{name}?platform=win-64")
        told = "the lockfile of build 1 is not for win-64; it is for: linux-64, osx-arm64"
        assert (refused.status_code, refused.json()["message"]) == (400, told)


async def test_lock_is_told_when_a_build_was_made_elsewhere(
    service: DownloadService, client: httpx.AsyncClient
) -> None:
    await service.complete(a_lockfile())
    environment = yaml.safe_load((await client.get(f"{BUILD}/environment.yml")).text)
    assert environment["channels"] == ["conda-forge", "https://c.example.org/own"]


async def test_list_is_that_of_the_packages_when_a_build_is_from_before_lockfiles(
    service: DownloadService, client: httpx.AsyncClient
) -> None:
    await service.add_artifact("LOCKFILE", "")
    await service.add_package(1, "zlib", "linux-64")
    assert (await client.get(f"{BUILD}/explicit/")).text == (await client.get(f"{BUILD}/lockfile/")).text
    absent = await client.get(f"{BUILD}/pixi.lock")
    assert (absent.status_code, absent.json()["message"]) == (404, "build 1 has no lockfile; it is BUILDING")


async def test_lock_is_absent_when_there_is_none_or_it_is_gone_or_of_no_use(
    service: DownloadService, client: httpx.AsyncClient
) -> None:
    for name in (*NAMES, "sbom/"):
        absent = await client.get(f"{BUILD}/{name}")
        assert (absent.status_code, absent.json()["message"]) == (404, "build 1 has no lockfile; it is BUILDING")
    row = {"name": "a", "version": "1", "manager": "conda", "platform": "linux-64", "url": "https://x/a.zip"}
    await service.complete(Lockfile.from_value({"metadata": {"platforms": ["linux-64"]}, "package": [row]}))
    for name in (*NAMES, "sbom/"):
        useless = await client.get(f"{BUILD}/{name}")
        assert useless.status_code == 404
        assert "cannot be read: package a: …/'a.zip' is not the address" in useless.json()["message"]
    await service.store.delete("lockfile/0123abcd-1700000000-1-what?.yml")
    gone = await client.get(f"{BUILD}/pixi.lock")
    assert (gone.status_code, gone.json()["message"]) == (404, "the lockfile of build 1 is not there any more")


async def test_lock_is_for_those_who_may_read_the_environment(service: DownloadService) -> None:
    await service.complete(a_lockfile(), an_order())
    for token in ("", a_token(other=["admin"])):
        async with service.client(token=token) as stranger:
            for address in [f"{place}/{name}" for place in (BUILD, CURRENT) for name in NAMES]:
                assert (await stranger.get(address)).status_code == 403
