"""Downloads are whole or not there, and an archive is unpacked once."""

import json
import os
import subprocess
import sys
import tarfile
import threading
from pathlib import Path

import pytest

from conda_store_client.builds import Build
from conda_store_client.connection import Connection
from conda_store_client.credentials import Anonymous
from conda_store_client.downloading import default_filename, download
from conda_store_client.errors import ClientError
from conda_store_client.unpacked import cached_prefix
from tests.unit.client.answering_server import Answer, AnsweringServer, data, error, redirect
from tests.unit.client.client_builds import a_build, a_file, a_log, a_member, an_archive, serve_build

pytestmark = pytest.mark.slow

PATH = "/api/v1/build/12/"
# As conda-pack's script: it writes where the prefix is into a file of it.
CONDA_UNPACK = """
from pathlib import Path
prefix = Path(__file__).resolve().parents[1]
with (prefix / "unpacked-at").open("a") as record:
    record.write(f"{prefix}\\n")
"""


@pytest.fixture
def connection(server: AnsweringServer) -> Connection:
    serve_build(server, a_build(12, "COMPLETED", "CONDA_PACK"))
    server.routes[f"{PATH}archive/"] = redirect("/storage/archive/12.tar.gz")
    server.routes["/storage/archive/12.tar.gz"] = Answer(200, an_environment())
    return Connection(server.url, Anonymous())


def an_environment(version: str = "1") -> bytes:
    """Return an archive like conda-pack's."""
    return an_archive(
        a_file("bin/conda-unpack", CONDA_UNPACK, 0o755),
        a_file("bin/tool", f"#!/bin/sh\necho tool {version}\n", 0o755),
        a_member("conda-meta", tarfile.DIRTYPE),
    )


def test_download_follows_to_where_the_artifact_is(connection: Connection, tmp_path: Path) -> None:
    download(connection, 12, "archive", tmp_path / "a.tar.gz")
    assert (tmp_path / "a.tar.gz").read_bytes() == an_environment()
    assert list(tmp_path.iterdir()) == [tmp_path / "a.tar.gz"]


def test_download_that_breaks_off_leaves_what_was_there(
    connection: Connection, server: AnsweringServer, tmp_path: Path
) -> None:
    (tmp_path / "a.tar.gz").write_text("before")
    server.routes["/storage/archive/12.tar.gz"] = Answer(200, b"x" * 100_000, sent=70_000)
    with pytest.raises(ClientError, match="cannot reach"):
        download(connection, 12, "archive", tmp_path / "a.tar.gz")
    assert (tmp_path / "a.tar.gz").read_text() == "before"
    assert list(tmp_path.iterdir()) == [tmp_path / "a.tar.gz"]


def test_download_tells_that_the_artifact_is_not_there_yet(
    connection: Connection, server: AnsweringServer, tmp_path: Path
) -> None:
    server.routes[PATH] = data(a_build(12, "BUILDING"))
    server.routes["/storage/archive/12.tar.gz"] = Answer(404, b"<Error>NoSuchKey</Error>")
    with pytest.raises(ClientError, match=r"^Error downloading build 12$") as failure:
        download(connection, 12, "archive", tmp_path / "a")
    assert (
        "It has no archive now; the build is BUILDING. `conda-store wait 12 --artifact archive`" in failure.value.detail
    )


def test_download_tells_that_there_is_no_such_build(
    connection: Connection, server: AnsweringServer, tmp_path: Path
) -> None:
    server.routes[PATH] = server.routes[f"{PATH}archive/"] = error(404, "build id does not exist")
    with pytest.raises(ClientError, match=r"^Error downloading build 12$") as failure:
        download(connection, 12, "archive", tmp_path / "a")
    assert failure.value.detail == "build id does not exist"


def test_download_takes_all_pieces_of_a_log(connection: Connection, server: AnsweringServer, tmp_path: Path) -> None:
    pieces = {"0": a_log("one\n", 1, is_complete=False), "1": a_log("two\n", 2), "2": a_log("", 2)}
    server.routes[f"{PATH}logs/"] = lambda asked: pieces[asked.query["position"][0]]
    download(connection, 12, "logs", tmp_path / "log")
    assert (tmp_path / "log").read_text() == "one\ntwo\n"


@pytest.mark.parametrize("target", ["missing/file", "."])
def test_download_says_where_it_cannot_write(connection: Connection, tmp_path: Path, target: str) -> None:
    with pytest.raises(ClientError, match="cannot write"):
        download(connection, 12, "archive", tmp_path / target)


def test_download_writes_to_what_a_link_points_to(connection: Connection, tmp_path: Path) -> None:
    (tmp_path / "real").write_text("before")
    (tmp_path / "link").symlink_to("real")
    download(connection, 12, "archive", tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_bytes() == an_environment()


@pytest.mark.parametrize(
    ("artifact", "name"),
    [
        ("yaml", "build-12.yaml"),
        ("lockfile", "build-12.lock"),
        ("archive", "build-12.tar.gz"),
        ("logs", "build-12.log"),
    ],
)
def test_files_are_named_for_build_and_artifact(artifact: str, name: str) -> None:
    assert default_filename(12, artifact) == name


def test_prefix_is_unpacked_once(connection: Connection, server: AnsweringServer, tmp_path: Path) -> None:
    build = Build.parse(a_build(12))
    for _ in range(2):
        assert cached_prefix(connection, build, tmp_path) == tmp_path / "conda-store" / "12"
    assert server.paths().count("/storage/archive/12.tar.gz") == 1
    assert (tmp_path / "conda-store/12/unpacked-at").read_text() == f"{tmp_path}/conda-store/12\n"
    assert subprocess.check_output([tmp_path / "conda-store/12/bin/tool"], text=True) == "tool 1\n"
    assert [path.name for path in (tmp_path / "conda-store").iterdir() if path.is_dir()] == ["12"]


def test_prefix_is_unpacked_once_by_programs_that_want_it_together(
    connection: Connection, server: AnsweringServer, tmp_path: Path
) -> None:
    def unpack_it() -> None:
        cached_prefix(Connection(server.url, Anonymous()), Build.parse(a_build(12)), tmp_path)

    threads = [threading.Thread(target=unpack_it) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert server.paths().count("/storage/archive/12.tar.gz") == 1


def test_prefix_of_another_build_with_the_same_id_is_not_used(
    connection: Connection, server: AnsweringServer, tmp_path: Path
) -> None:
    prefix = cached_prefix(connection, Build.parse(a_build(12)), tmp_path)
    server.routes["/storage/archive/12.tar.gz"] = Answer(200, an_environment("2"))
    assert cached_prefix(connection, Build.parse(a_build(12, scheduled_on="2027-01-01T00:00:00")), tmp_path) == prefix
    assert subprocess.check_output([prefix / "bin/tool"], text=True) == "tool 2\n"


def test_prefix_that_was_not_finished_is_unpacked_again(connection: Connection, tmp_path: Path) -> None:
    prefix = cached_prefix(connection, Build.parse(a_build(12)), tmp_path)
    (prefix / "conda-meta/conda-store-client.json").unlink()
    (prefix / "bin/tool").unlink()
    assert cached_prefix(connection, Build.parse(a_build(12)), tmp_path) == prefix
    assert (prefix / "bin/tool").exists()


def test_prefix_is_not_kept_when_its_archive_is_not_safe(
    connection: Connection, server: AnsweringServer, tmp_path: Path
) -> None:
    server.routes["/storage/archive/12.tar.gz"] = Answer(200, an_archive(a_file("../../escaped")))
    with pytest.raises(ClientError, match="is not safe to unpack"):
        cached_prefix(connection, Build.parse(a_build(12)), tmp_path)
    assert [path for path in (tmp_path / "conda-store").iterdir() if path.is_dir()] == []
    assert not (tmp_path / "escaped").exists()


def test_prefix_is_not_kept_when_conda_unpack_fails(
    connection: Connection, server: AnsweringServer, tmp_path: Path
) -> None:
    archive = an_archive(a_file("bin/conda-unpack", "import sys; sys.exit('no way')"))
    server.routes["/storage/archive/12.tar.gz"] = Answer(200, archive)
    for _ in range(2):
        with pytest.raises(ClientError, match="conda-unpack failed with status 1") as failure:
            cached_prefix(connection, Build.parse(a_build(12)), tmp_path)
        assert failure.value.detail == "no way"


@pytest.mark.parametrize("kind", ["writable by others", "a link"])
def test_prefix_is_not_put_where_others_could_change_it(connection: Connection, tmp_path: Path, kind: str) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    if kind == "a link":
        (tmp_path / "conda-store").symlink_to(elsewhere)
    else:
        (tmp_path / "conda-store").mkdir()
        (tmp_path / "conda-store").chmod(0o777)
    prefix = cached_prefix(connection, Build.parse(a_build(12)), tmp_path)
    assert prefix == tmp_path / f"conda-store-{os.getuid()}" / "12"
    assert list(elsewhere.iterdir()) == []


@pytest.mark.parametrize(
    ("options", "printed"),
    [(["--", "tool"], "tool 1"), (["tool"], "tool 1"), (["--no-cache", "--", "tool"], "tool 1")],
)
def test_command_is_run_in_the_unpacked_environment(
    connection: Connection, tmp_path: Path, options: list[str], printed: str
) -> None:
    environment = {**os.environ, "TMPDIR": str(tmp_path), "CONDA_STORE_URL": connection.url}
    command = [sys.executable, "-m", "conda_store_client", "run", "12", *options]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, printed, "")
    assert (tmp_path / "conda-store").exists() is ("--no-cache" not in options)


def test_environment_is_active_when_the_command_runs(
    connection: Connection, server: AnsweringServer, tmp_path: Path
) -> None:
    script = (
        'import json, os, sys; json.dump([*sys.argv[1:], os.environ["CONDA_PREFIX"], os.environ["HOOK"]], sys.stdout)'
    )
    archive = an_archive(
        a_file("etc/conda/activate.d/hook.sh", 'export HOOK="$CONDA_DEFAULT_ENV was here"'), a_file("script.py", script)
    )
    server.routes["/storage/archive/12.tar.gz"] = Answer(200, archive)
    environment = {**os.environ, "TMPDIR": str(tmp_path), "CONDA_STORE_URL": connection.url}
    prefix = tmp_path / "conda-store" / "12"
    words = ["a b", "$HOME", "'", "--artifact", "--", "-x"]
    command = [
        sys.executable,
        "-m",
        "conda_store_client",
        "run",
        "12",
        sys.executable,
        str(prefix / "script.py"),
        *words,
    ]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=True)
    assert json.loads(done.stdout) == [*words, str(prefix), "nightly was here"]
