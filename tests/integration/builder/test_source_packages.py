"""Pip packages that come as source: refused, or built in a sandbox from what was fetched before."""

import hashlib
import http.server
import io
import sys
import tarfile
import threading
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from tests.integration.builder.conftest import PLATFORM, Builder, TinyPackage, Workbench, run
from tests.integration.builder.test_pip_packages import wheel

# A build backend that needs nothing: the wheel it makes holds what it saw.
BACKEND = """
import os, socket, sys, zipfile

def get_requires_for_build_wheel(settings=None):
    return {requires}

def tried(what):
    try:
        what()
    except OSError as error:
        return type(error).__name__
    return "succeeded"

def build_wheel(directory, settings=None, metadata=None):
    saw = dict(
        network=tried(lambda: socket.create_connection(("127.0.0.1", {port}), 5)),
        prefix=tried(lambda: open(os.path.join(sys.prefix, "planted"), "w")),
        store=tried(lambda: os.listdir({store!r})),
        secrets=sorted(name for name in os.environ if "TOKEN" in name),
    )
    {extra}
    name = "grown-1.0-py3-none-any.whl"
    with zipfile.ZipFile(os.path.join(directory, name), "w") as archive:
        archive.writestr("grown.py", "SAW = " + repr(saw))
        archive.writestr("grown-1.0.dist-info/METADATA", "Metadata-Version: 2.1\\nName: grown\\nVersion: 1.0\\n")
        tags = "Root-Is-Purelib: true\\nTag: py3-none-any\\n"
        archive.writestr("grown-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\\n" + tags)
        archive.writestr("grown-1.0.dist-info/RECORD", "")
    return name
"""
PROJECT = """
[build-system]
requires = {requires}
build-backend = "backend"
backend-path = ["."]
"""


def locked_source(bench: Workbench, *, static: list[str], dynamic: list[str], extra: str = "pass") -> dict[str, Any]:
    """A source package in a lockfile; ``static`` and ``dynamic`` are what its build requires."""
    store = str(bench.store_directory / ".cache/packages")
    backend = BACKEND.format(requires=dynamic, port=1, store=store, extra=extra)
    files = {"backend.py": backend, "pyproject.toml": PROJECT.format(requires=static), "PKG-INFO": "Name: grown\n"}
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as archive:
        for name, text in files.items():
            member = tarfile.TarInfo(f"grown-1.0/{name}")
            member.size = len(text.encode())
            archive.addfile(member, io.BytesIO(text.encode()))
    path = bench.root / "grown-1.0.tar.gz"
    path.write_bytes(content.getvalue())
    return {
        "name": "grown", "version": "1.0", "manager": "pip", "platform": PLATFORM, "url": path.as_uri(),
        "dependencies": {}, "hash": {"sha256": hashlib.sha256(content.getvalue()).hexdigest()},
    }  # fmt: skip


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_arguments: Any) -> None:
        pass


@pytest.fixture
def index(bench: Workbench) -> Iterator[dict[str, str]]:
    """What sets uv up for an index that holds ``talker`` and ``walker``."""
    root = bench.root / "index"
    for name in ("talker", "walker"):
        file_name, content = wheel(name)
        (root / name).mkdir(parents=True)
        (root / name / file_name).write_bytes(content)
        (root / name / "index.html").write_text(f'<a href="{file_name}">{file_name}</a>')
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=root)) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield {"UV_DEFAULT_INDEX": f"http://127.0.0.1:{server.server_port}", "PRIVATE_TOKEN": "hidden"}
        server.shutdown()
        thread.join()


async def test_source_package_is_built_without_network_from_wheels_that_were_fetched_before(
    bench: Workbench, index: dict[str, str]
) -> None:
    package = locked_source(bench, static=["talker"], dynamic=["walker"], extra="import talker, walker")
    settings = {"sandbox": "required", "builds_sdists": True, "pip_environment": index}
    async with bench.builder(**settings) as builder:
        request = await bench.request(await bench.lock("python", pip=(package,)))
        await builder.built(request)
        assert "building grown 1.0 from source" in builder.ledger.log()
        assert "hidden" not in builder.ledger.log()
    prefix = bench.path_of(request)
    saw = run(prefix / "bin/python", "-c", "import grown; print(sorted(grown.SAW.items()))")
    assert "('network', 'OSError')" in saw
    assert "('prefix', 'OSError')" in saw
    assert "('store', 'FileNotFoundError')" in saw
    assert "('secrets', [])" in saw
    # What its build required is no part of the environment.
    assert not list(prefix.rglob("talker.py"))
    assert [path.name for path in prefix.iterdir() if path.name.startswith(".")] == []


# What is required, what the backend does before it makes a wheel, and what is said of it.
NONSENSE: tuple[tuple[list[str], str, str], ...] = (
    (["talker @ file:///etc/passwd"], "pass", "names an address of its own"),
    (["-r /etc/passwd"], "pass", "is none"),
    ([], "raise SystemExit(3)", "its build ended with status 3"),
    ([], "os.symlink('/etc/hostname', os.path.join(directory, 'x-1.whl')); return ''", "its build made 'x-1.whl'"),
    ([], "os.rename(directory, directory + '2'); os.symlink('/etc', directory); return ''", "cannot be read"),
    ([], "return 'nothing'", "its build made no wheel"),
)


async def test_source_package_is_refused_when_its_build_makes_no_sense(bench: Workbench) -> None:
    conda = await bench.lock("python")
    async with bench.builder(builds_sdists=True) as builder:
        for static, extra, words in NONSENSE:
            package = locked_source(bench, static=static, dynamic=[], extra=extra)
            request = await bench.request({**conda, "package": [*conda["package"], package]})
            failure = await builder.failed(request)
            assert (failure.code, failure.transient) == ("pip_failed", False)
            assert "pip package grown 1.0 cannot be built from source" in failure.detail
            assert words in failure.detail
            assert not bench.path_of(request).exists()


async def test_source_package_is_refused_when_it_is_another(bench: Workbench) -> None:
    package = locked_source(bench, static=[], dynamic=[]) | {"hash": {"sha256": "0" * 64}}
    async with bench.builder(builds_sdists=True) as builder:
        failure = await builder.failed(await bench.request(await bench.lock("python", pip=(package,))))
    assert (failure.code, failure.transient) == ("hash_mismatch", False)


async def test_no_code_that_packages_let_run_at_the_start_of_python_runs_outside_when_pip_packages_are_installed(
    bench: Workbench, builder: Builder
) -> None:
    spy, told = bench.root / "spy", bench.root / "told"
    spy.mkdir()
    text = f"import os; open({str(told)!r}, 'w').write(os.getcwd()) if os.path.isdir({str(spy)!r}) else None\n"
    starter = TinyPackage(name="starter", files={f"{site_packages()}/starter.pth": text.encode()})
    file_name, content = wheel("talker")
    (bench.root / file_name).write_bytes(content)
    pip = {
        "name": "talker", "version": "1.0", "manager": "pip", "platform": PLATFORM, "dependencies": {},
        "url": (bench.root / file_name).as_uri(), "hash": {"sha256": hashlib.sha256(content).hexdigest()},
    }  # fmt: skip
    lockfile = await bench.lock("python", pip=(pip,))
    lockfile["package"].append(bench.tiny(starter))
    request = await bench.request(lockfile)
    await builder.built(request)
    assert not told.exists()
    # It is there, and runs where users run Python.
    run(bench.path_of(request) / "bin/python", "-c", "import talker")
    assert told.exists()


def site_packages() -> str:
    return "lib/python{}.{}/site-packages".format(*sys.version_info)
