"""The command `conda-store` as people use it, against the running suite."""

import json
import re
import socket
import uuid
from collections.abc import Sequence
from pathlib import Path

import httpx
import pytest

from conda_store_shared.config.conda_store import current_platform
from conda_store_shared.testing.servers.conda_store import Suite
from tests.acceptance.command_line import COMMAND, CommandLine


@pytest.mark.timeout(240)
def test_client_makes_an_environment_and_runs_in_it(conda_store: CommandLine) -> None:
    created = conda_store("create", conda_store.specification(["python", "numpy"], "made"), timeout=120)
    assert re.search(r"^build \d+ of carol/made: COMPLETED, \d+\.\dMiB$", created.stdout, re.MULTILINE)
    for line in ("solve: done", "installing", "install: done", "archive: done", "COMPLETED"):
        assert line in created.stderr
    prefix = re.search(r"prefix +(\S+)", created.stdout)
    assert prefix is not None
    assert Path(prefix[1], "bin", "python").exists()

    program = "import numpy, sys; print(numpy.arange(3).sum(), sys.prefix); sys.exit(7)"
    ran = conda_store("run", "carol/made", "--", "python", "-c", program, status=7)
    build_id = created.stdout.split()[1]
    assert ran.stdout.split() == ["3", str(conda_store.directory / "conda-store" / build_id)]

    script = conda_store.directory / "script"
    script.write_text(f"#!{COMMAND}\n#! conda-store run carol/made -- python\nimport sys, numpy\nprint(sys.argv[1:])\n")
    script.chmod(0o755)
    assert conda_store.execute(script, "-x", "y z").stdout == "['-x', 'y z']\n"


def test_client_downloads_every_artifact(conda_store: CommandLine) -> None:
    build = conda_store.create("demo-text")
    conda_store("wait", build, "--artifact", "archive", "--interval", "0.1")
    for artifact, name in {"lockfile": "lock", "yaml": "yaml", "archive": "tar.gz", "logs": "log"}.items():
        done = conda_store("download", build, "--artifact", artifact)
        assert done.stdout == f"{conda_store.directory}/build-{build}.{name}"
    assert json.loads((conda_store.directory / f"build-{build}.lock").read_text())["version"] == 1
    assert (conda_store.directory / f"build-{build}.tar.gz").read_bytes().startswith(b"\x1f\x8b")
    assert "solved in" in (conda_store.directory / f"build-{build}.log").read_text()
    assert conda_store("logs", build, "--follow").stdout.count("solved in") == 1


def test_client_downloads_the_lock_in_every_form_and_what_is_told_of_it(conda_store: CommandLine) -> None:
    specification = conda_store.specification(
        ["demo-text"], platforms=[current_platform(), "osx-arm64"], virtual_packages={"__osx": "13.0"}
    )
    build = conda_store("create", specification, "--no-wait").stdout.strip()
    conda_store("wait", build, "--artifact", "archive", "--interval", "0.1")
    forms = {
        "pixi": ("pixi.lock", "version: 6"),
        "explicit": ("explicit.txt", "@EXPLICIT"),
        "environment": ("environment.yml", "- demo-text="),
        "cyclonedx": ("cdx.json", "pkg:conda/demo-text@"),
        "spdx": ("spdx.json", "pkg:conda/demo-text@"),
        "provenance": ("provenance.json", "application/vnd.in-toto+json"),
    }
    for artifact, (name, text) in forms.items():
        path = Path(conda_store("download", build, "--artifact", artifact).stdout)
        assert path.name == f"build-{build}.{name}"
        assert text in path.read_text()
    assert "__osx: '13.0'" in (conda_store.directory / f"build-{build}.environment.yml").read_text()
    other = Path(conda_store("download", build, "--artifact", "explicit", "--platform", "osx-arm64").stdout)
    assert "# platform: osx-arm64" in other.read_text()
    told = conda_store("create", str(other), "--name", "elsewhere", status=1).stderr
    assert f"the lockfile is not for {current_platform()}, on which environments are installed here" in told
    conda_store("download", build, "--artifact", "explicit")
    refused = conda_store("download", build, "--artifact", "explicit", "--platform", "win-64", status=1)
    assert "is not for win-64" in refused.stderr
    for number, (name, extra) in enumerate({"pixi.lock": [], "explicit.txt": ["--lockfile"]}.items()):
        submitted = f"build-{build}.{name}"
        done = conda_store("create", submitted, "--name", f"again-{number}", *extra)
        assert re.search(rf"^build \d+ of carol/again-{number}: COMPLETED", done.stdout)


def test_client_verifies_that_a_build_is_what_the_site_signed(conda_store: CommandLine) -> None:
    build = conda_store.create("demo-text")
    conda_store("wait", build, "--artifact", "archive", "--interval", "0.1")
    conda_store("wait", build, "--artifact", "yaml", "--interval", "0.1")
    done = conda_store("verify", build)
    for name in ("archive/", "lockfile/", "yaml/"):
        assert re.search(rf"^ok: {name}", done.stdout, re.MULTILINE)
    assert "was not known; from now on it is" in done.stderr
    archive = Path(conda_store("download", build, "--artifact", "archive").stdout)
    assert conda_store("verify", build, str(archive)).stdout.startswith(f"ok: {archive}")
    with archive.open("r+b") as file:
        file.seek(100)
        file.write(b"!")
    assert f"not what was signed: {archive}" in conda_store("verify", build, str(archive), status=1).stderr


def test_client_gives_the_solvers_explanation_when_a_build_fails(command: CommandLine) -> None:
    done = command("create", command.specification(["demo-needs-old", "demo-versions >=2"]), status=1)
    assert re.search(r"^Build \d+ failed$", done.stderr, re.MULTILINE)
    assert "demo-versions <2" in done.stderr
    assert done.stdout == ""
    build = re.search(r"^Build (\d+) failed$", done.stderr, re.MULTILINE)
    assert build is not None
    for arguments in (["wait", build[1]], ["run", build[1]]):
        assert command(*arguments, status=1).stderr.startswith(f"Build {build[1]} failed\n")


def test_client_says_that_a_build_was_canceled(command: CommandLine) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        # A channel that takes the question and never answers: the build cannot be over before it is canceled.
        command.channel = f"http://127.0.0.1:{silent.getsockname()[1]}/silent"
        build = command.create("python")
        assert command("cancel", build).stdout == f"build {build} is CANCELED\n"
        waited = command("wait", build, "--interval", "0.1", status=1)
    assert waited.stderr.splitlines()[0] == f"Build {build} was canceled"
    assert command("cancel", build).stdout == f"build {build} is CANCELED already\n"


def test_client_submits_a_lockfile_under_a_name(command: CommandLine, small: str) -> None:
    command("download", small, "--output-filename", "conda-lock.yml")
    done = command("create", "conda-lock.yml", "--name", "pinned", "--namespace", "locked")
    assert re.search(r"^build \d+ of locked/pinned: COMPLETED", done.stdout)
    assert "needs --name" in command("create", "conda-lock.yml", "--lockfile", status=2).stderr


def test_client_gives_a_specification_another_name(command: CommandLine) -> None:
    done = command("create", command.specification(["demo-text"], "first-name"), "--name", "other-name")
    assert "of carol/other-name: COMPLETED" in done.stdout


def test_client_lists_what_there_is(command: CommandLine, small: str) -> None:
    builds = json.loads(command("list", "build", "--output", "json", "--package", "demo-text").stdout)
    assert int(small) in [build["id"] for build in builds]
    assert all(re.fullmatch(r"\d+\.\d([KMG]i)?B", build["size"]) for build in builds)
    assert (
        json.loads(command("list", "build", "--status", "COMPLETED", "--package", "nothing", "--output", "json").stdout)
        == []
    )
    environments = json.loads(command("list", "environment", "--artifact", "LOCKFILE", "--output", "json").stdout)
    assert ("carol", "small") in [(row["namespace"]["name"], row["name"]) for row in environments]
    assert "carol" in [row["name"] for row in json.loads(command("list", "namespace", "--output", "json").stdout)]
    table = command("list", "build").stdout
    assert re.search(rf"│ {small} +│ +\d+\.\d\w*B +│ COMPLETED │", table)


def test_client_names_builds_by_environment(command: CommandLine, small: str) -> None:
    command("wait", "carol/small")
    command("wait", f"carol/small:{small}", "--artifact", "yaml")
    other = command.create("demo-versions")
    message = f"build {other} does not belong to environment carol/small\n"
    assert command("wait", f"carol/small:{other}", status=1).stderr == message


def test_client_uses_a_token_it_was_given(command: CommandLine, small: str) -> None:
    token = command("token", "--expiration", "60", "--permission", "carol/*:viewer").stdout
    assert token == token.strip()
    variables = {"CONDA_STORE_AUTH": "token", "CONDA_STORE_TOKEN": token}
    info = command("info", variables=variables).stdout
    assert info.startswith("Default namespace is carol\nAuthenticated True\n")
    assert "environment::read" in info
    command("wait", small, variables=variables)
    refused = command("create", command.specification(["demo-text"]), status=1, variables=variables)
    assert "request not authorized" in refused.stderr
    assert "CONDA_STORE_TOKEN" in refused.stderr


def test_client_lists_its_tokens_and_revokes_one(conda_store: CommandLine) -> None:
    name = f"nightly [bold] {uuid.uuid4().hex}"
    token = conda_store("token", "--name", name).stdout
    [row] = [row for row in json.loads(conda_store("token", "list", "--output", "json").stdout) if row["name"] == name]
    table = conda_store("token", "list").stdout
    assert name in table
    assert row["id"] in table
    assert token not in table
    assert conda_store("token", "revoke", row["id"]).stdout == ""
    variables = {"CONDA_STORE_AUTH": "token", "CONDA_STORE_TOKEN": token}
    assert "Authenticated False" in conda_store("info", variables=variables).stdout
    assert "token does not exist" in conda_store("token", "revoke", "no-such-token", status=1).stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["wait", "999999"], "Error getting build 999999\nbuild id does not exist\n"),
        (["logs", "carol/none"], "Error getting environment carol/none\nenvironment does not exist\n"),
        (["download", "999999"], "Error downloading build 999999\nbuild id does not exist\n"),
        (["run", "1", "--artifact", "yaml"], "Running build artifact yaml not supported\n"),
        (["wait", "a:b"], "unable to parse uri=a:b\n"),
        (["--conda-store-url", "http://127.0.0.1:1", "info"], "cannot reach http://127.0.0.1:1\n"),
        (["--auth", "token", "info"], "--auth token needs the environment variable CONDA_STORE_TOKEN\n"),
        (["delete", "environment", "carol/none", "--yes"], "Error deleting environment carol/none\n"),
        (["settings", "set", "nothing=1"], "Error setting nothing\nInvalid setting keys {'nothing'}\n"),
        (["diff", "999999", "999999"], "Error getting build 999999\nbuild id does not exist\n"),
    ],
)
def test_client_says_what_is_wrong(command: CommandLine, arguments: Sequence[str], words: str) -> None:
    done = command(*arguments, status=1)
    assert done.stderr.startswith(words)
    assert done.stdout == ""


def test_client_tells_the_anonymous_how_to_log_in(command: CommandLine, small: str) -> None:
    refused = command("wait", small, status=1, variables={})
    assert refused.stderr.startswith(f"Error getting build {small}\nrequest not authorized\n")
    assert "--auth token" in refused.stderr
    assert command("info", variables={}).stdout.startswith("Default namespace is default\nAuthenticated False\n")


def test_client_tells_that_yaml_is_invalid(command: CommandLine) -> None:
    (command.directory / "bad.yaml").write_text("name: [")
    refused = command("create", "bad.yaml", status=1)
    assert refused.stderr == "Error creating a build of bad.yaml\nUnable to parse. Invalid YAML\n"


@pytest.mark.parametrize(
    "arguments", [["wait"], ["list", "build", "--status", "DONE"], ["nothing"], ["token", "--permission", "x"]]
)
def test_client_ends_with_two_when_it_is_used_wrongly(command: CommandLine, arguments: Sequence[str]) -> None:
    assert "Usage: conda-store" in command(*arguments, status=2).stderr


def test_client_explains_itself_without_a_server(command: CommandLine) -> None:
    nowhere = ["--conda-store-url", "http://127.0.0.1:1", "--auth", "token"]
    for name in ("run", "settings"):
        assert "Example" in command(*nowhere, name, "--help", variables={}).stdout
    assert re.fullmatch(r"conda-store, version [\w.]+\n", command("--version").stdout)


def test_stages_of_a_build_are_told_to_those_who_may_read_it(
    command: CommandLine, small: str, standalone_suite: Suite
) -> None:
    address = f"{standalone_suite.url}/api/v1/build/{small}/stages/"
    headers = {"Authorization": f"Bearer {command('token').stdout}"}
    stages = httpx.get(address, headers=headers, timeout=30).json()["data"]
    assert [stage["stage"] for stage in stages[:2]] == ["solve", "prefix"]
    assert {stage["state"] for stage in stages} == {"done"}
    assert all(stage["attempts"] == 1 for stage in stages)
    assert httpx.get(address, timeout=30).status_code == httpx.codes.FORBIDDEN
    missing = httpx.get(f"{standalone_suite.url}/api/v1/build/999999/stages/", timeout=30)
    assert (missing.status_code, missing.json()["message"]) == (404, "build id does not exist")
