"""How two builds differ, by their lockfiles or by the lists of their packages."""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from conda_store_client.comparing import Differences, Package, compare, differences
from conda_store_client.connection import Connection
from conda_store_client.credentials import Anonymous
from conda_store_client.errors import ClientError
from tests.unit.client.answering_server import Answer, AnsweringServer, data
from tests.unit.client.client_builds import a_build

CHANNEL = "https://c.example/main"


def a_package(name: str, version: str = "1.0", **fields: str) -> Package:
    rest = {"manager": "conda", "platform": "linux-64", "build": "h1_0", "channel": CHANNEL, "sha256": "aa", **fields}
    return Package(name=name, version=version, **rest)


def locked(package: Package) -> dict[str, Any]:
    """A row of a lockfile."""
    address = f"{package.channel}/linux-64/{package.name}-{package.version}-{package.build}.conda"
    return {
        "name": package.name,
        "version": package.version,
        "manager": package.manager,
        "platform": package.platform,
        "url": address if package.manager == "conda" else f"https://pypi.example/{package.name}-1.whl",
        "hash": {"md5": None, "sha256": package.sha256},
    }


def serve(server: AnsweringServer, build_id: int, packages: Sequence[Package], *, has_lockfile: bool = True) -> None:
    """Let the server have a completed build of packages."""
    path = f"/api/v1/build/{build_id}/"
    server.routes[path] = data(a_build(build_id))
    if has_lockfile:
        text = json.dumps({"version": 1, "metadata": {}, "package": list(map(locked, packages))})
        server.routes[f"{path}lockfile/"] = Answer(200, text.encode())
    rows = [
        {"id": number, "name": one.name, "version": one.version, "channel": {"id": 1, "name": one.channel}}
        for number, one in enumerate(packages)
    ]
    server.routes[f"{path}packages/"] = lambda asked: data(rows[:1] if asked.query["page"] == ["1"] else rows[1:])


def compared(server: AnsweringServer) -> Differences:
    return compare(Connection(server.url, Anonymous()), 1, 2)


def test_packages_are_told_that_came_went_and_changed(server: AnsweringServer) -> None:
    python, numpy, newer = a_package("python"), a_package("numpy"), a_package("numpy", "2.0")
    pip = a_package("requests", manager="pip", build="", channel="")
    serve(server, 1, [python, numpy, a_package("zlib")])
    serve(server, 2, [newer, python, pip])
    assert compared(server) == Differences(added=[pip], removed=[a_package("zlib")], changed=[(numpy, newer)])


@pytest.mark.parametrize("field", ["build", "channel", "sha256"])
def test_package_of_the_same_version_is_changed_when_it_is_another_file(server: AnsweringServer, field: str) -> None:
    one = a_package("python")
    other = replace(one, **{field: "https://other.example/x" if field == "channel" else "b2"})
    serve(server, 1, [one])
    serve(server, 2, [other])
    assert compared(server).changed == [(one, other)]
    assert one.told_apart_from(other) == f"1.0 {getattr(one, field)}"


def test_builds_are_compared_by_their_lists_when_one_has_no_lockfile(server: AnsweringServer) -> None:
    serve(server, 1, [a_package("python"), a_package("numpy")], has_lockfile=False)
    serve(server, 2, [a_package("python"), a_package("numpy", "2.0"), a_package("scipy")])
    found = compared(server)
    assert [package.name for package in found.added] == ["scipy"]
    assert [(old.version, new.version) for old, new in found.changed] == [("1.0", "2.0")]
    assert found.removed == []


def test_same_builds_do_not_differ() -> None:
    assert not differences([a_package("a")], [a_package("a")])
    assert differences([a_package("a")], [])


def test_packages_are_told_apart_by_platform_and_manager() -> None:
    here, there = a_package("a"), a_package("a", "2", platform="osx-64")
    assert not differences([here, there], [there, here])
    assert differences([a_package("a")], [a_package("a", manager="pip")]).changed == []


def test_build_without_packages_is_not_compared(server: AnsweringServer) -> None:
    serve(server, 1, [a_package("python")])
    server.routes["/api/v1/build/2/"] = data(a_build(2, "FAILED", status_info="no solution"))
    with pytest.raises(ClientError, match="Build 2 has no packages to compare: it is FAILED") as refusal:
        compared(server)
    assert refusal.value.detail == "no solution"
