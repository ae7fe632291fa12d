"""Locks in the forms of other programs: what is read, and what is refused by name."""

from typing import Any

import pytest

from conda_store_shared.conda.locked_entries import check_entries, without_credentials
from conda_store_shared.domain.lockfile import Lockfile
from conda_store_shared.domain.locks.explicit_reading import read_explicit_list
from conda_store_shared.domain.locks.pixi_reading import read_pixi_lock
from conda_store_shared.errors import ChannelNotAllowed, InvalidLockfile

URL = "https://c.example/forge/linux-64/a-1.0-h0_0.conda"
MD5, SHA256 = "0" * 32, "1" * 64


def explicit(*lines: str) -> Lockfile:
    return Lockfile.from_value(read_explicit_list("\n".join(("@EXPLICIT", *lines))))


def test_list_is_for_the_platform_of_its_packages_when_no_comment_tells() -> None:
    found = explicit(
        f"{URL}#{MD5}", "", "# a remark", f"https://c.example/forge/noarch/b-1-0.conda#sha256:{SHA256.upper()}"
    )
    assert found.platforms == ("linux-64",)
    assert [(one.name, one.version, one.build, one.md5, one.sha256) for one in found.packages] == [
        ("a", "1.0", "h0_0", MD5, None),
        ("b", "1", "0", None, SHA256),
    ]
    assert found.value["metadata"]["channels"] == [{"url": "https://c.example/forge", "used_env_vars": []}]


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([URL], "line 2 of the list has no digest"),
        (["", f"{URL}#abc"], "line 3 of the list has a digest that is neither md5 nor sha256"),
        ([f"{URL}#md5:{SHA256}"], "line 2 of the list has a digest that is neither"),
        ([f"https://c.example/forge/linux-64/a.zip#{MD5}"], "line 2 of the list is no address of a conda package"),
        ([f"a-1-0.conda#{MD5}"], "line 2 of the list is no address of a conda package"),
        (["numpy=1.2"], "line 2 of the list is no address of a conda package"),
        ([f"{URL}#{MD5}", f"{URL.replace('linux-64', 'osx-64')}#{MD5}"], "is for several platforms (linux-64, osx-64)"),
        (["# platform: linux-64", "# platform: win-64"], "is for several platforms (linux-64, win-64)"),
        (["# platform: win-64", f"{URL}#{MD5}"], "line 3 of the list: the package lies in linux-64"),
        ([f"https://c.example/forge/noarch/b-1-0.conda#{MD5}"], "does not say which platform it is for"),
        ([f"{URL}#{MD5}", "# pip a @ https://f.example/a-1-py3-none-any.whl"], "line 3 of the list has no digest"),
        (
            [f"{URL}#{MD5}", f"# pip a @ https://f.example/a.whl#sha256={SHA256}"],
            "line 3 of the list: 'a.whl' is the name",
        ),
    ],
)
def test_list_is_refused_and_the_line_named(lines: list[str], message: str) -> None:
    with pytest.raises(InvalidLockfile) as raised:
        explicit(*lines)
    assert message in raised.value.message


def pixi(**changes: Any) -> dict[str, Any]:
    package = {"conda": URL, "sha256": SHA256, "depends": ["b >=1,<2", "b !=1.5", "python_abi 3.11.* *_cp311", "c"]}
    environment = {"channels": [{"url": "https://c.example/forge/"}], "packages": {"linux-64": [{"conda": URL}]}}
    return {"version": 6, "environments": {"default": environment}, "packages": [package], **changes}


def test_pixi_lock_is_read_with_its_dependencies() -> None:
    found = Lockfile.from_value(read_pixi_lock(pixi()))
    assert found.packages[0].dependencies == {"b": ">=1,<2,!=1.5", "python_abi": "3.11.* *_cp311", "c": ""}


def test_pixi_lock_has_platforms_of_other_names_when_it_is_of_version_7() -> None:
    environment = {"channels": [], "packages": {"my-linux": [{"conda": URL}]}}
    value = pixi(version=7, platforms=[{"name": "my-linux", "subdir": "linux-64"}], environments={"x": environment})
    assert Lockfile.from_value(read_pixi_lock(value)).platforms == ("linux-64",)


def test_pixi_lock_gives_the_environment_that_is_asked_for() -> None:
    value = pixi()
    value["environments"]["gpu"] = {"channels": [], "packages": {"win-64": []}}
    assert Lockfile.from_value(read_pixi_lock(value, "gpu")).platforms == ("win-64",)
    with pytest.raises(InvalidLockfile, match=r"say which one by lockfile_environment .*: default, gpu"):
        read_pixi_lock(value)
    with pytest.raises(InvalidLockfile, match=r"no environment 'cpu'; it has: default, gpu"):
        read_pixi_lock(value, "cpu")


def with_packages(*references: Any) -> dict[str, Any]:
    return {"default": {"channels": [], "packages": {"linux-64": list(references)}}}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"version": 5}, "pixi.lock version 5 is not known; expected one of 6, 7"),
        ({"environments": {}}, "pixi.lock has no environment"),
        ({"environments": []}, "environments in pixi.lock should be a mapping"),
        ({"packages": "x"}, "packages in pixi.lock should be a list"),
        ({"packages": []}, f"package {URL} for linux-64 is in an environment of pixi.lock, but not among its packages"),
        (
            {"environments": with_packages({"conda_source": "./mine"})},
            "package conda_source: ./mine for linux-64 is built",
        ),
        ({"environments": with_packages("x")}, "a package for linux-64 in pixi.lock should be a mapping"),
        (
            {"environments": with_packages({"pypi": "./x"}), "packages": [{"pypi": "./x", "name": "x"}]},
            "pip package x for linux-64 is not reached by http or https: ./x",
        ),
        (
            {
                "environments": with_packages({"pypi": "https://x/y.txt"}),
                "packages": [{"pypi": "https://x/y.txt", "name": "y"}],
            },
            "pip package y: 'y.txt' is the name of no wheel",
        ),
        (
            {"environments": with_packages({"conda": "https://x/y"}), "packages": [{"conda": "https://x/y"}]},
            "is not the address of a conda package",
        ),
    ],
)
def test_pixi_lock_is_refused_and_the_package_named(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidLockfile) as raised:
        read_pixi_lock(pixi(**changes))
    assert message in raised.value.message


def a_lockfile(**changes: Any) -> Lockfile:
    package = {
        "name": "a", "version": "1.0", "manager": "conda", "platform": "linux-64", "url": URL, "hash": {"md5": MD5},
    } | changes  # fmt: skip
    metadata = {"platforms": ["linux-64"], "channels": [{"url": "https://u:p@c.example/t/tok/forge"}, "plain"]}
    return Lockfile.from_value({"metadata": metadata, "package": [package]})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"hash": {}}, "package a 1.0 for linux-64 has neither md5 nor sha256"),
        ({"hash": {"md5": "", "sha256": ""}}, "has neither md5 nor sha256"),
        ({"hash": {"sha256": "1" * 63}}, "has a digest that is no sha256"),
        ({"hash": {"md5": "g" * 32, "sha256": SHA256}}, "has a digest that is no md5"),
        ({"platform": "win-64"}, "is for none of the platforms of the lockfile: linux-64"),
        ({"name": "b"}, "has the address of another package, a"),
        ({"url": URL.replace("linux-64", "osx-64")}, "lies in osx-64"),
        ({"url": "https://c.example/forge/linux-64/a.conda"}, "is not the address of a conda package"),
        (
            {"manager": "pip", "url": "file:///etc/a-1.whl"},
            "pip package a 1.0 for linux-64 is not reached by http or https",
        ),
        ({"manager": "pip", "url": "git+https://x/a"}, "is not reached by http or https"),
    ],
)
def test_entry_is_refused_and_named(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidLockfile) as raised:
        check_entries(a_lockfile(**changes), ())
    assert message in raised.value.message


@pytest.mark.parametrize(
    "url", [URL.replace("https", "ftp"), URL.replace("https://c.example", "file://"), "HTTP:x/y/a-1-0.conda"]
)
def test_entry_is_refused_when_its_channel_is_not_reached_by_the_web(url: str) -> None:
    with pytest.raises((ChannelNotAllowed, InvalidLockfile)):
        check_entries(a_lockfile(url=url), ())


def test_entry_is_refused_when_its_channel_is_not_allowed() -> None:
    check_entries(a_lockfile(), ("https://c.example/forge/",))
    with pytest.raises(ChannelNotAllowed, match=r"allowed: https://c.example/other"):
        check_entries(a_lockfile(), ("https://c.example/other",))


def test_lockfile_is_refused_when_two_files_claim_one_name() -> None:
    value = a_lockfile().value
    other = {**value["package"][0], "url": URL.replace("h0_0", "h1_0")}
    with pytest.raises(InvalidLockfile, match="package a is twice in the lockfile for linux-64"):
        check_entries(Lockfile.from_value({**value, "package": [*value["package"], other]}), ())


def test_lockfile_is_refused_when_its_platform_is_not_known() -> None:
    value = {"metadata": {"platforms": ["vax"]}, "package": []}
    with pytest.raises(InvalidLockfile, match="platform 'vax' of the lockfile is not known"):
        check_entries(Lockfile.from_value(value), ())


def test_lockfile_loses_the_credentials_of_its_addresses() -> None:
    found = without_credentials(a_lockfile(url="https://u:p@c.example/t/secret/forge/linux-64/a-1.0-h0_0.conda"))
    assert found.packages[0].url == URL
    assert found.value["metadata"]["channels"] == [{"url": "https://c.example/forge"}, "plain"]
    assert without_credentials(a_lockfile(manager="pip", url="https://u:p@f.example/t/x/a-1.whl")).packages[0].url == (
        "https://f.example/t/x/a-1.whl"
    )
