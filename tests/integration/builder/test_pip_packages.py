"""The pip part of a lockfile, installed by the real uv: what is locked, by hash, and nothing else."""

import base64
import hashlib
import io
import json
import zipfile
from typing import Any
from urllib.parse import quote

import pytest

from conda_store_shared.testing.private_server import PrivateServer, Secrets, write_certificate
from tests.integration.builder.conftest import PLATFORM, Builder, Workbench, lockfile_of, run


def wheel(name: str, requires: str = "") -> tuple[str, bytes]:
    """File name and content of a wheel whose module tells its name, with a command of the same name."""
    information = f"{name}-1.0.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n" + (
        f"Requires-Dist: {requires}\n" if requires else ""
    )
    files = {
        f"{name}.py": f"def main():\n    print('{name} speaks')\n",
        f"{information}/METADATA": metadata,
        f"{information}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{information}/entry_points.txt": f"[console_scripts]\n{name} = {name}:main\n",
    }
    record = "".join(
        f"{path},sha256={base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b'=').decode()},{len(text)}\n"
        for path, text in files.items()
    )
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for path, text in (files | {f"{information}/RECORD": f"{record}{information}/RECORD,,\n"}).items():
            archive.writestr(path, text)
    return f"{name}-1.0-py3-none-any.whl", content.getvalue()


def locked_wheel(bench: Workbench, name: str, requires: str = "") -> dict[str, Any]:
    """Its entry in a lockfile."""
    file_name, content = wheel(name, requires)
    path = bench.root / file_name
    path.write_bytes(content)
    return {
        "name": name,
        "version": "1.0",
        "manager": "pip",
        "platform": PLATFORM,
        "url": path.as_uri(),
        "dependencies": {},
        "hash": {"sha256": hashlib.sha256(content).hexdigest()},
    }


async def test_builder_adds_the_pip_packages_of_the_lockfile(bench: Workbench, builder: Builder) -> None:
    pip = (locked_wheel(bench, "talker", "not-locked>=1"), locked_wheel(bench, "walker"))
    request = await bench.request(await bench.lock("python", pip=pip), permissions="755")
    record = await builder.built(request)
    prefix = bench.path_of(request)
    assert run(prefix / "bin/python", "-c", "import talker, walker; talker.main(); walker.main()") == (
        "talker speaks\nwalker speaks\n"
    )
    assert run(prefix / "bin/talker") == "talker speaks\n"
    assert "talker" not in {package.name for package in record.packages}
    assert run("grep", "-rl", "-e", ".attempt-", "-e", ".pip-", prefix, check=False) == ""
    assert [path.name for path in prefix.iterdir() if path.name.startswith(".")] == []


@pytest.mark.parametrize("there_before", [False, True])
async def test_builder_says_hash_mismatch_when_a_wheel_is_another(
    bench: Workbench, builder: Builder, there_before: bool
) -> None:
    package = locked_wheel(bench, "talker")
    if there_before:
        await builder.built(await bench.request(await bench.lock("python", pip=(package,))))
    changed = package | {"hash": {"sha256": "0" * 64}}
    failure = await builder.failed(await bench.request(await bench.lock("python", pip=(changed,))))
    assert (failure.code, failure.transient) == ("hash_mismatch", False)
    assert "talker" in failure.detail


async def test_builder_refuses_what_is_no_wheel_when_it_may_not_build(bench: Workbench, builder: Builder) -> None:
    package = locked_wheel(bench, "talker") | {"url": "https://example.org/talker-1.0.tar.gz"}
    request = await bench.request(await bench.lock("python", pip=(package,)))
    failure = await builder.failed(request)
    assert (failure.code, failure.transient) == ("pip_failed", False)
    assert "talker 1.0 is not a wheel" in failure.detail
    assert not bench.path_of(request).exists()


async def test_builder_refuses_a_pip_package_without_hash(bench: Workbench, builder: Builder) -> None:
    package = locked_wheel(bench, "talker") | {"hash": {}}
    failure = await builder.failed(await bench.request(await bench.lock("python", pip=(package,))))
    assert (failure.code, failure.transient) == ("invalid_lockfile", False)


async def test_builder_asks_for_python_when_there_is_none_for_pip(bench: Workbench, builder: Builder) -> None:
    failure = await builder.failed(await bench.request(lockfile_of(locked_wheel(bench, "talker"))))
    assert failure.code == "pip_failed"
    assert "no python in the environment" in failure.detail


async def test_builder_says_unreachable_when_the_index_is_away(bench: Workbench) -> None:
    package = locked_wheel(bench, "talker") | {"url": "http://u:hidden@127.0.0.1:1/talker-1.0-py3-none-any.whl"}
    async with bench.builder(deadline=0.01, pip_environment={"UV_HTTP_RETRIES": "0"}) as builder:
        failure = await builder.failed(await bench.request(await bench.lock("python", pip=(package,))))
    assert (failure.code, failure.transient) == ("channel_unreachable", True)
    assert "hidden" not in json.dumps([failure.detail, builder.ledger.log()])


async def private_wheel(bench: Workbench, server: PrivateServer, manner: str = "basic") -> dict[str, Any]:
    """The entry of a wheel that a server gives to those who show it what it demands."""
    package = locked_wheel(bench, "talker")
    return package | {"url": f"{server.url}/{manner}/{package['url'].rpartition('/')[2]}"}


async def test_builder_shows_a_package_index_its_credential_and_writes_it_nowhere(bench: Workbench) -> None:
    with PrivateServer(bench.root) as server:
        package = await private_wheel(bench, server)
        request = await bench.request(await bench.lock("python", pip=(package,)))
        credentials = server.credentials()
        async with bench.builder(channel_credentials=credentials) as builder:
            await builder.built(request)
            told = builder.ledger.log() + repr(builder.ledger.facts)
    assert server.seen
    secrets = [Secrets().password, Secrets().basic.removeprefix("Basic "), Secrets().username]
    assert [secret for secret in (*secrets, quote(secrets[0], safe="")) if secret in told] == []
    found = [run("grep", "-rlF", secret, bench.root, check=False) for secret in secrets]
    assert found == ["", "", ""]


@pytest.mark.parametrize(
    ("credentials", "words"),
    [
        ({}, "it was shown no credential; if it needs one, name one"),
        ({"username": "someone", "password": "wr-ong"}, "it was shown the credential 'team'"),
        ({"bearer": "wr-ong"}, "the credential 'team' for it is an Authorization header, which package indexes"),
    ],
)
async def test_builder_tells_which_credential_an_index_refused(
    bench: Workbench, credentials: dict[str, str], words: str
) -> None:
    with PrivateServer(bench.root) as server:
        package = await private_wheel(bench, server)
        team = {"team": {"address": f"{server.url}/basic", **credentials}} if credentials else {}
        async with bench.builder(channel_credentials=team) as builder:
            failure = await builder.failed(await bench.request(await bench.lock("python", pip=(package,))))
            log = builder.ledger.log()
    assert (failure.code, failure.transient) == ("pip_failed", False)
    assert f"{package['url']} refused access (HTTP 401): {words}" in failure.detail
    assert "wr-ong" not in failure.detail + log


@pytest.mark.parametrize(
    "change",
    [
        {"url": "http://127.0.0.1:1/${HOME}/talker-1.0-py3-none-any.whl"},
        {"url": "http://127.0.0.1:1/x --index-url=http://127.0.0.1:1/x.whl"},
        {"url": "http://127.0.0.1:1/x\n--index-url=http://127.0.0.1:1/x.whl"},
        {"name": "talker\nwalker"},
        {"name": "--index-url=http://127.0.0.1:1"},
        {"hash": {"sha256": "0" * 64 + " --index-url=http://127.0.0.1:1"}},
    ],
)
async def test_builder_refuses_a_pip_package_that_would_be_read_as_something_else(
    bench: Workbench, builder: Builder, change: dict[str, Any]
) -> None:
    package = locked_wheel(bench, "talker") | change
    failure = await builder.failed(await bench.request(await bench.lock("python", pip=(package,))))
    assert (failure.code, failure.transient) == ("invalid_lockfile", False)
    assert "of the lockfile" in failure.detail


async def test_builder_trusts_the_hosts_that_the_specification_trusts(bench: Workbench, builder: Builder) -> None:
    certificate = write_certificate(bench.root / "certificate.pem")
    with PrivateServer(bench.root, certificate=certificate) as server:
        lockfile = await bench.lock("python", pip=(await private_wheel(bench, server, "open"),))
        failure = await builder.failed(await bench.request(lockfile))
        assert (failure.code, failure.transient) == ("pip_failed", False)
        assert "the certificate of an index is not trusted; have SSL_CERT_FILE name" in failure.detail
        trusting = {"name": "x", "dependencies": [{"pip": ["--trusted-host=127.0.0.1", "talker"]}]}
        await builder.built(await bench.request(lockfile, specification=trusting))
