"""An archive put together from fragments is what conda-pack makes of the installed prefix, file by file."""

import asyncio
import json
import re
import subprocess
import tarfile
from ast import literal_eval
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import conda_pack
import pytest

from conda_store_shared.conda.package_view import package_places
from conda_store_shared.db.engine import Database
from conda_store_shared.storage.filesystem import FilesystemStore
from tests.integration.artifacts.conftest import DemoEnvironment
from tests.integration.artifacts.test_artifacts_service import running_suite
from tests.unit.artifacts.artifact_builders import BUILD_KEY
from tests.unit.artifacts.fragment_world import a_world

ELSEWHERE = "unpacked-" + "far-" * 30
# The mark of a whole prefix is the builder's own.
ONLY_IN_CONDA_PACK = {"conda-meta/conda-store"}
# Commands of wheels, and how these came to be here: who installs them writes it.
PIP_COMMANDS = {"bin/cheese"}
PIP_RECORDS = re.compile(r".*/cheese-1\.0\.dist-info/(RECORD|INSTALLER|REQUESTED|direct_url\.json|uv_cache\.json)")


@dataclass(frozen=True)
class Member:
    """What an archive says of a file; ``content`` is that of a file, or where a link leads."""

    mode: int
    content: bytes


def members(archive: Path) -> dict[str, Member]:
    found = {}
    with tarfile.open(archive) as tar:
        for member in tar:
            file = tar.extractfile(member) if member.isreg() or member.islnk() else None
            found[member.name] = Member(member.mode, file.read() if file else member.linkname.encode())
    return found


@contextmanager
def naming_its_packages(environment: DemoEnvironment) -> Iterator[None]:
    """Let the records of the prefix name the extracted packages, which conda-pack reads, as conda's own do."""
    [cache] = (environment.cache / "packages").iterdir()
    conda = [package for package in environment.lockfile.packages if package.manager == "conda"]
    places = package_places(cache, conda)
    records = {path: path.read_bytes() for path in (environment.prefix / "conda-meta").glob("*.json")}
    try:
        for path, text in records.items():
            record = json.loads(text)
            record["link"]["source"] = str(places[path.stem])
            path.write_text(json.dumps(record))
        yield
    finally:
        for path, text in records.items():
            path.write_bytes(text)


@pytest.fixture
def by_conda_pack(plain: DemoEnvironment, tmp_path: Path) -> Path:
    output = tmp_path / "conda-pack.tar.gz"
    with naming_its_packages(plain):
        conda_pack.pack(prefix=str(plain.prefix), output=str(output), compress_level=1, n_threads=2)
    return output


@pytest.fixture
async def by_fragments(plain: DemoEnvironment, empty_database: Database, tmp_path: Path) -> AsyncIterator[Path]:
    async with FilesystemStore(tmp_path / "storage") as store:
        await a_world(empty_database, store, tmp_path).add_builds(7)
        async with running_suite(store, empty_database, tmp_path / "work") as suite:
            stored_build = plain.stored_build(mounted=False)
            await stored_build.put(store)
            await suite.ask(stored_build.request("CONDA_PACK"))
            await suite.until_stored(1)
        yield tmp_path / "storage" / "archive" / f"{BUILD_KEY}.tar.gz"


def comparable_record(content: bytes) -> dict[str, Any]:
    """A record without digest and size of files that say their prefix, which are those of where it was linked."""
    record: dict[str, Any] = json.loads(content)
    for entry in record["paths_data"]["paths"]:
        is_generated = entry["path_type"] == "unix_python_entry_point"
        if entry.pop("sha256_in_prefix", None) is not None or is_generated:
            entry.pop("size_in_bytes")
        if is_generated:
            entry.pop("sha256")
    return record


def mended_files(content: bytes) -> set[tuple[str, str, str]]:
    """What conda-unpack mends."""
    text = content.decode()
    return set(literal_eval("[" + text.partition("_prefix_records = [")[2].partition("\n]\n")[0] + "]"))


def test_archive_holds_what_conda_pack_puts_there(by_conda_pack: Path, by_fragments: Path) -> None:
    theirs, ours = members(by_conda_pack), members(by_fragments)
    pip_records = {name for name in theirs.keys() | ours.keys() if PIP_RECORDS.fullmatch(name)}
    assert theirs.keys() - ours.keys() - pip_records == ONLY_IN_CONDA_PACK
    assert ours.keys() - theirs.keys() - pip_records == set()

    special = pip_records | ONLY_IN_CONDA_PACK | PIP_COMMANDS | {"bin/conda-unpack"}
    records = {name for name in ours if name.startswith("conda-meta/") and name.endswith(".json")}
    for name in records:
        assert comparable_record(ours[name].content) == comparable_record(theirs[name].content), name
    assert len(records) > 10
    plain = ours.keys() - special - records
    assert [name for name in plain if ours[name].content != theirs[name].content] == []

    # conda-pack names every file of pip packages, though there is nothing in most of them to mend.
    mended = {
        (path, placeholder, mode)
        for path, placeholder, mode in mended_files(theirs["bin/conda-unpack"].content)
        if path not in PIP_COMMANDS and placeholder.encode() in bytes(theirs[path].content)
    }
    assert mended_files(ours["bin/conda-unpack"].content) == mended
    assert len(mended) > 3
    # Nobody but the owner may write, and everybody may read.
    assert {member.mode for member in ours.values()} == {0o755, 0o644, 0o777}
    executable = {name for name, member in ours.items() if member.mode == 0o755}
    assert executable == {name for name, member in theirs.items() if member.mode & 0o100 and member.mode != 0o777}


def run(prefix: Path, *command: str) -> str:
    environment = {"PATH": f"{prefix}/bin:/usr/bin:/bin", "HOME": "/nonexistent"}
    return subprocess.run(command, env=environment, check=True, capture_output=True, text=True, cwd=prefix).stdout


async def test_archive_runs_elsewhere_after_conda_unpack(by_fragments: Path, tmp_path: Path) -> None:
    prefix = tmp_path / ELSEWHERE
    await asyncio.to_thread(prefix.mkdir)
    # By the program most people unpack with.
    run(prefix, "tar", "xzf", str(by_fragments), "-C", str(prefix))
    run(prefix, "bin/conda-unpack")
    assert run(prefix, "python", "-c", "import numpy, flask; print(numpy.__file__)").startswith(str(prefix))
    assert run(prefix, "demo-prefix") == f"root = {prefix}/share/demo-prefix\nagain = {prefix}\n"
    assert run(prefix, "cheese") == "gouda\n"
    assert run(prefix, "flask", "--version").startswith("Python 3")
    script = f'. {prefix}/bin/activate && echo "$CONDA_PREFIX" && . {prefix}/bin/deactivate && echo "[$CONDA_PREFIX]"'
    assert run(prefix, "/bin/bash", "-c", script) == f"{prefix}\n[]\n"
