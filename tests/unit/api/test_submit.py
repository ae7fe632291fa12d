"""A submission: what is stored, what is refused, what the order says (contract §4.1)."""

import time
from typing import Any

import pytest
from sqlalchemy import func, select

from conda_store_api.use_cases.read_lock import SubmittedLock, read_lock
from conda_store_api.use_cases.read_submission import load_yaml, read_specification
from conda_store_api.use_cases.submit_specification import Request, rebuild, submit_specification
from conda_store_shared.db.models import Build, Environment, Namespace, Specification
from conda_store_shared.domain.channel_priority import ChannelPriority
from conda_store_shared.domain.order import Order
from conda_store_shared.errors import ChannelNotAllowed, InvalidLockfile, InvalidName, InvalidSpecification
from tests.unit.api.ledger_builders import Ledger, a_policy

LOCKFILE = """{"metadata": {"platforms": ["linux-64"], "channels": []}, "package": []}"""


async def submit_text(ledger: Ledger, text: str, namespace: str = "team", **policy: Any) -> Build:
    request = Request(namespace=namespace, actor="ann", now=ledger.now)
    async with ledger.transactions.begin() as transaction:
        submission = read_specification(text)
        build_id = await submit_specification(submission, request, a_policy(**policy), transaction)
    return await ledger.build(build_id)


async def submit_lock(ledger: Ledger, text: str, **policy: Any) -> Build:
    request = Request(namespace="team", actor="ann", now=ledger.now)
    submission = read_lock(SubmittedLock(text=text, name="weather"))
    async with ledger.transactions.begin() as transaction:
        build_id = await submit_specification(submission, request, a_policy(**policy), transaction)
    return await ledger.build(build_id)


async def count(ledger: Ledger, table: Any) -> int:
    async with ledger.database.session() as session:
        return await session.scalar(select(func.count()).select_from(table)) or 0


async def test_build_is_queued_with_its_order_when_a_specification_is_submitted(ledger: Ledger) -> None:
    build = await submit_text(ledger, "name: weather\nchannels: [main]\ndependencies: [python, {pip: [flask]}]")
    assert (build.status, build.rank, build.scheduled_on) == ("QUEUED", 0, ledger.now)
    assert build.build_key.endswith(f"-{build.id}-weather")
    order = Order.from_value(build.order or {})
    assert order.digest == build.order_digest
    assert order.solve.channels == ("https://conda.anaconda.org/main",)
    assert order.prefix.path == f"/store/team/{build.build_key}"
    assert order.prefix.link == "/store/team/envs/weather"
    assert await ledger.events() == ["namespace.created", "environment.created", "build.queued"]


async def test_first_build_is_the_current_one_when_its_environment_is_new(ledger: Ledger) -> None:
    first, second = await ledger.submit(), await ledger.submit()
    assert (await ledger.environment(second)).current_build_id == first.id
    assert first.environment_id == second.environment_id
    assert first.specification_id == second.specification_id
    assert first.build_key != second.build_key


async def test_build_has_no_link_when_its_key_is_a_hash(ledger: Ledger) -> None:
    build = await submit_text(ledger, "name: weather", build_key_version=3)
    order = Order.from_value(build.order or {})
    assert build.hash == build.build_key
    assert order.prefix.link is None
    assert order.prefix.path == f"/store/{build.build_key}"


async def test_default_channels_are_used_when_none_are_named(ledger: Ledger) -> None:
    build = await submit_text(ledger, "name: weather", conda_default_channels=["bioconda", "main"])
    channels = Order.from_value(build.order or {}).solve.channels
    assert channels == ("https://conda.anaconda.org/bioconda", "https://conda.anaconda.org/main")


async def test_order_gives_a_solve_the_time_that_is_set(ledger: Ledger) -> None:
    build = await submit_text(ledger, "name: weather", conda_max_solve_time=7)
    assert Order.from_value(build.order or {}).solve.deadline == 7


async def test_order_says_what_the_order_of_channels_means(ledger: Ledger) -> None:
    for priority in ChannelPriority:
        build = await submit_text(ledger, "name: weather", channel_priority=priority)
        assert Order.from_value(build.order or {}).solve.channel_priority == priority


async def test_order_is_for_the_platforms_and_virtual_packages_a_specification_names(ledger: Ledger) -> None:
    text = (
        "name: weather\nplatforms: [osx-arm64, linux-64]\nvariables: {CONDA_OVERRIDE_CUDA: '11'}\n"
        "virtual_packages: {__cuda: '12.4', __osx: '13.0', linux-64: {__glibc: '2.17'}}"
    )
    solve = Order.from_value((await submit_text(ledger, text)).order or {}).solve
    assert solve.platforms == ("osx-arm64", "linux-64")
    assert solve.virtual_packages == {
        "osx-arm64": {"__osx": "13.0"},
        "linux-64": {"__cuda": "12.4", "__glibc": "2.17"},
    }


async def test_order_is_for_the_platforms_of_the_settings_when_a_specification_names_none(ledger: Ledger) -> None:
    build = await submit_text(ledger, "name: weather", conda_solve_platforms=["linux-64", "win-64"])
    solve = Order.from_value(build.order or {}).solve
    assert (solve.platforms, solve.virtual_packages) == (("linux-64", "win-64"), {})


async def test_specification_is_refused_when_it_is_not_for_the_builders_platform(ledger: Ledger) -> None:
    with pytest.raises(InvalidSpecification, match=r"not for linux-64, on which .* add that to its platforms: win-64"):
        await submit_text(ledger, "name: weather\nplatforms: [win-64]")
    with pytest.raises(InvalidLockfile, match=r"the lockfile is not for linux-64, .*; it is for: win-64"):
        await submit_lock(ledger, LOCKFILE.replace("linux-64", "win-64"))


async def test_nothing_is_stored_when_a_channel_is_not_allowed(ledger: Ledger) -> None:
    with pytest.raises(ChannelNotAllowed, match="main"):
        await submit_text(ledger, "name: weather\nchannels: [main]", conda_allowed_channels=["conda-forge"])
    for table in (Namespace, Environment, Specification, Build):
        assert await count(ledger, table) == 0


@pytest.mark.parametrize("namespace", ["", "..", "a/b", "a b", "a\x00b", "x" * 256, ".hidden", "ü"])
async def test_nothing_is_stored_when_the_namespace_has_no_valid_name(ledger: Ledger, namespace: str) -> None:
    with pytest.raises(InvalidName):
        await submit_text(ledger, "name: weather", namespace)
    assert await count(ledger, Specification) == 0


async def test_rebuild_makes_another_build_of_the_same_specification(ledger: Ledger) -> None:
    build = await ledger.submit()
    async with ledger.transactions.begin() as transaction:
        request = Request(namespace="team", actor="ann", now=ledger.now)
        again = await rebuild(build.id, request, ledger.policy, transaction)
    row = await ledger.build(again)
    assert row.id != build.id
    assert row.specification_id == build.specification_id
    assert (row.order or {})["solve"] == (build.order or {})["solve"]


async def test_lockfile_travels_in_the_order_when_one_is_submitted(ledger: Ledger) -> None:
    request = Request(namespace="team", actor="ann", now=ledger.now)
    async with ledger.transactions.begin() as transaction:
        submission = read_lock(SubmittedLock(text=LOCKFILE, name="weather", description="rain"))
        build_id = await submit_specification(submission, request, ledger.policy, transaction)
    build = await ledger.build(build_id)
    lockfile = Order.from_value(build.order or {}).solve.lockfile
    assert lockfile is not None
    assert lockfile["version"] == 1
    assert (await ledger.environment(build)).description == "rain"
    async with ledger.transactions.begin() as transaction:
        again = await rebuild(build_id, request, ledger.policy, transaction)
    assert Order.from_value((await ledger.build(again)).order or {}).solve.lockfile == lockfile


@pytest.mark.parametrize(
    "text",
    ["", "[]", "name: [", "just text", "name: a\ndependencies: [{pip: 3}]", "{", "\x00", "name: &a b\nx: *a",
     "- " * 50_000, "[" * 50_000, '{"a":' * 50_000, "name: a b", "name: ../a", "name: 3",
     '{"name": "a", "description": "\\ud800"}', '{"name": "\\u0000"}', "? [a]\n: b", "name: !!python/name:os.system"],
)  # fmt: skip
def test_text_is_refused_when_it_is_no_specification(text: str) -> None:
    with pytest.raises(InvalidSpecification):
        read_specification(text)


async def test_build_has_a_conda_lock_lockfile_when_a_lock_of_another_form_is_submitted(ledger: Ledger) -> None:
    url, digest = "https://c.example/forge/linux-64/a-1.0-h0_0.conda", "0" * 32
    for text in (f"# platform: linux-64\n@EXPLICIT\n{url}#{digest}\n", _pixi_lock(url, digest)):
        order = Order.from_value((await submit_lock(ledger, text)).order or {})
        assert order.solve.platforms == ("linux-64",)
        package = (order.solve.lockfile or {})["package"][0]
        assert (package["name"], package["url"], package["hash"]) == ("a", url, {"md5": digest})


def _pixi_lock(url: str, digest: str) -> str:
    environments = f"{{default: {{channels: [], packages: {{linux-64: [{{conda: '{url}'}}]}}}}}}"
    return f"version: 6\nenvironments: {environments}\npackages:\n- conda: {url}\n  md5: '{digest}'\n"


async def test_nothing_is_stored_when_a_package_of_a_lock_may_not_be_installed(ledger: Ledger) -> None:
    text = f"@EXPLICIT\nhttps://c.example/forge/linux-64/a-1.0-h0_0.conda#{'0' * 32}"
    with pytest.raises(ChannelNotAllowed, match=r"allowed: https://conda.anaconda.org/main"):
        await submit_lock(ledger, text, conda_allowed_channels=["main"])
    assert await count(ledger, Build) == 0


def test_specification_is_told_from_a_lock_when_one_is_sent_for_the_other() -> None:
    for text in (LOCKFILE, "@EXPLICIT\n", _pixi_lock("https://c/noarch/a-1-0.conda", "0" * 32)):
        with pytest.raises(InvalidSpecification, match="this is a lockfile; submit it with is_lockfile"):
            read_specification(text)
    with pytest.raises(InvalidLockfile, match="this is a specification, not a lockfile; submit it without is_lockfile"):
        read_lock(SubmittedLock(text="name: a\ndependencies: [b]", name="weather"))


@pytest.mark.slow
def test_lock_of_a_megabyte_is_read() -> None:
    urls = [f"https://c.example/forge/linux-64/package{n}-1.2.{n}-h1234567_0.conda" for n in range(2500)]
    depends = "".join(f"  - lib{n} >=1.{n},<2.0a0\n" for n in range(8))
    packages = "".join(f"- conda: {url}\n  sha256: {'a1' * 32}\n  depends:\n{depends}" for url in urls)
    listed = "".join(f"      - conda: {url}\n" for url in urls)
    text = (
        f"version: 6\nenvironments:\n  default:\n    channels: []\n    packages:\n      linux-64:\n{listed}"
        f"packages:\n{packages}"
    )
    assert len(text) > 1_000_000
    found = read_lock(SubmittedLock(text=text, name="weather")).lockfile
    assert found is not None
    assert len(found.packages) == 2500


@pytest.mark.parametrize(
    "text",
    ["[]", "3", '{"version": 2}', '{"package": {}, "metadata": {}}',
     LOCKFILE.replace("[]}", '[], "x": "\\ud800"}', 1), "package: []\nmetadata: {platforms: [], 1: a, b: c}",
     "package: []\nmetadata: {platforms: [], x: !!binary aaaa}"],
)  # fmt: skip
def test_text_is_refused_when_it_is_no_lockfile(text: str) -> None:
    with pytest.raises(InvalidLockfile):
        read_lock(SubmittedLock(text=text, name="weather"))


def test_bomb_of_aliases_is_refused_before_it_grows() -> None:
    lines = ["a0: &a0 [x, x]"] + [f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}, *a{n - 1}]" for n in range(1, 30)]
    with pytest.raises(InvalidSpecification, match="aliases"):
        load_yaml("\n".join(lines))


def test_date_is_text_when_a_lockfile_has_one() -> None:
    text = "package: []\nmetadata: {platforms: [], time: 2026-11-22}"
    submission = read_lock(SubmittedLock(text=text, name="weather"))
    assert submission.lockfile is not None
    assert submission.lockfile.value["metadata"]["time"] == "2026-11-22"


def test_specification_is_refused_at_once_when_it_has_too_many_values() -> None:
    began = time.perf_counter()
    with pytest.raises(InvalidSpecification, match="more than 30000 keys and values"):
        read_specification(f"name: a\nchannels: [{'a,' * 90_000}]")
    assert time.perf_counter() - began < 1.5


def test_specification_may_be_written_in_braces_without_being_json() -> None:
    assert read_specification("{name: first, dependencies: [numpy]}").value["dependencies"] == ["numpy"]
