"""What commands print, and how they end, against a server with prepared answers."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click
import pytest

from conda_store_client.main import conda_store
from tests.unit.client.answering_server import Answer, AnsweringServer, data, error
from tests.unit.client.calling import Caller
from tests.unit.client.client_builds import a_build, serve_build

pytestmark = pytest.mark.slow

ACK = Answer(200, b'{"status": "ok", "message": null}')
SETTINGS = {
    "conda_default_channels": ["conda-forge"],
    "conda_channel_alias": "https://conda.anaconda.org",
    "conda_max_solve_time": 300,
    "default_uid": None,
    "default_permissions": "775",
}


@pytest.fixture(autouse=True)
def environment(server: AnsweringServer) -> None:
    """An environment, whose current build has the id 12."""
    server.routes["/api/v1/environment/ml/nightly/"] = data({"id": 3, "current_build_id": 12})


def methods(server: AnsweringServer) -> list[tuple[str, str]]:
    return [(asked.method, asked.path) for asked in server.asked if asked.method != "GET"]


@pytest.mark.parametrize(
    ("status", "told"),
    [
        ("BUILDING", "build 12 is CANCELED\n"),
        ("QUEUED", "build 12 is CANCELED\n"),
        ("COMPLETED", "build 12 is COMPLETED; nothing more is made of it\n"),
        ("FAILED", "build 12 is FAILED already\n"),
    ],
)
def test_cancel_tells_what_becomes_of_the_build(call: Caller, server: AnsweringServer, status: str, told: str) -> None:
    serve_build(server, a_build(12, status))
    server.routes["/api/v1/build/12/cancel/"] = Answer(200, b'{"status": "ok", "message": "build 12 canceled"}')
    assert call("cancel", "ml/nightly:12").out == told
    assert methods(server) == [("PUT", "/api/v1/build/12/cancel/")]


def test_cancel_says_why_it_may_not(call: Caller, server: AnsweringServer) -> None:
    serve_build(server, a_build(12, "BUILDING"))
    server.routes["/api/v1/build/12/cancel/"] = error(403, "request not authorized")
    assert call("cancel", "12", status=1).err.startswith("Error canceling build 12\nrequest not authorized\n")


@pytest.mark.parametrize(
    ("arguments", "path", "told"),
    [
        (["build", "ml/nightly"], "/api/v1/build/12/", "build 12 is deleted"),
        (["environment", "ml/nightly"], "/api/v1/environment/ml/nightly/", "environment ml/nightly is deleted"),
        (["namespace", "m?l"], "/api/v1/namespace/m%3Fl/", "namespace m?l is deleted"),
    ],
)
def test_delete_needs_to_be_sure_where_nobody_can_be_asked(
    call: Caller, server: AnsweringServer, arguments: Sequence[str], path: str, told: str
) -> None:
    assert "use --yes" in call("delete", *arguments, status=2).err
    assert methods(server) == []
    server.routes[path] = ACK if "environment" not in path else data({"id": 3, "current_build_id": 12})
    assert call("delete", *arguments, "--yes").out == f"{told}\n"
    assert methods(server) == [("DELETE", path)]


@pytest.mark.parametrize(
    "arguments", [["environment", "ml"], ["environment", "ml/../x"], ["environment", "ml/.."], ["namespace", "a/b"]]
)
def test_delete_refuses_what_names_nothing(call: Caller, server: AnsweringServer, arguments: Sequence[str]) -> None:
    assert call("delete", *arguments, "--yes", status=1).err.startswith("unable to parse ")
    assert server.asked == []


def test_delete_tells_what_the_server_refuses(call: Caller, server: AnsweringServer) -> None:
    server.routes["/api/v1/build/12/"] = error(400, "cannot delete build since not finished building")
    told = call("delete", "build", "12", "--yes", status=1).err
    assert told == "Error deleting build 12\ncannot delete build since not finished building\n"


def test_settings_are_shown_where_they_hold(call: Caller, server: AnsweringServer) -> None:
    server.routes["/api/v1/setting/"] = data(SETTINGS)
    server.routes["/api/v1/setting/ml/nightly/"] = data({**SETTINGS, "conda_max_solve_time": 5})
    assert json.loads(call("settings", "show", "--output", "json").out) == SETTINGS
    table = call("settings", "show", "conda_max_solve_time", "conda_default_channels", "--at", "ml/nightly").out
    assert "Settings of ml/nightly" in table
    assert '["conda-forge"]' in table
    assert "│ 5" in table
    assert "default_uid" not in table
    assert "there is no setting nothing" in call("settings", "show", "nothing", status=1).err


@pytest.mark.parametrize(
    ("change", "value"),
    [
        ("conda_default_channels=main, conda-forge", ["main", "conda-forge"]),
        ('conda_default_channels=["a"]', ["a"]),
        ("conda_default_channels=[]", []),
        ("conda_default_channels=", []),
        ("conda_default_channels=7", ["7"]),
        ("conda_channel_alias=https://c.example/?a=b", "https://c.example/?a=b"),
        ("conda_max_solve_time=600", 600),
        ("default_uid=1000", 1000),
        ("default_permissions=700", "700"),
        ("default_permissions=null", None),
        ("no_such_key=text", "text"),
    ],
)
def test_setting_is_set_as_the_kind_of_value_it_is(
    call: Caller, server: AnsweringServer, change: str, value: Any
) -> None:
    server.routes["/api/v1/setting/ml/"] = data(SETTINGS)
    call("settings", "set", "--at", "ml", change)
    [put] = [asked for asked in server.asked if asked.method == "PUT"]
    assert json.loads(put.body) == {change.partition("=")[0]: value}


def test_settings_set_tells_what_holds_now(call: Caller, server: AnsweringServer) -> None:
    server.routes["/api/v1/setting/"] = data(SETTINGS)
    told = call("settings", "set", "conda_max_solve_time=600", "conda_default_channels=a,b").out
    assert told == 'the deployment: conda_max_solve_time = 600\nthe deployment: conda_default_channels = ["a", "b"]\n'


def test_settings_are_reset_by_name_or_all(call: Caller, server: AnsweringServer) -> None:
    server.routes["/api/v1/setting/ml/"] = data(["conda_channel_alias"])
    assert call("settings", "reset", "--at", "ml", "conda_channel_alias").out == "ml: conda_channel_alias is reset\n"
    server.routes["/api/v1/setting/ml/"] = data([])
    assert call("settings", "reset", "--at", "ml", "--all").out == "ml: nothing was set\n"
    assert [asked.query for asked in server.asked] == [{"key": ["conda_channel_alias"]}, {}]
    for wrong in (["reset"], ["reset", "a", "--all"], ["set"], ["set", "a"], ["set", "=a"]):
        call("settings", *wrong, status=2)
    assert "unable to parse a/b/c" in call("settings", "show", "--at", "a/b/c", status=1).err


def test_solve_shows_packages_and_what_there_is_to_download(
    call: Caller, server: AnsweringServer, tmp_path: Path
) -> None:
    channel = {"id": 1, "name": "https://c.example/main", "last_update": None}
    rows = [
        {"name": "python", "version": "3.12", "channel": channel, "size": 2048, "subdir": "linux-64"},
        {"name": "numpy", "version": "2.0", "channel": channel, "size": -1, "subdir": "noarch"},
    ]
    server.routes["/api/v1/specification/"] = Answer(200, json.dumps({"solve": rows}).encode())
    (tmp_path / "environment.yaml").write_text("dependencies: [python]")
    table = call("solve", str(tmp_path / "environment.yaml")).out
    assert table.index("numpy") < table.index("python")
    assert "│ python │ 3.12    │ https://c.example/main │ 2.0KiB │" in table
    assert table.endswith("\n2 packages, 2.0KiB\n")
    assert "Platform" not in table
    assert json.loads(call("solve", str(tmp_path / "environment.yaml"), "--output", "json").out) == rows
    server.routes["/api/v1/specification/"] = Answer(200, b'{"solve": [{"id": 1, "size": 3}]}')
    assert "another version of the API" in call("solve", str(tmp_path / "environment.yaml"), status=1).err


def test_solve_names_standard_input_when_it_cannot_read_it(call: Caller) -> None:
    assert call("solve", "-", typed="- numpy", status=1).err.startswith("standard input is no specification\n")


def serve_packages(server: AnsweringServer, build_id: int, **versions: str) -> None:
    serve_build(server, a_build(build_id))
    packages = [
        {"name": name, "version": version, "manager": "conda", "platform": "linux-64", "url": f"c/l/{name}.conda"}
        for name, version in versions.items()
    ]
    server.routes[f"/api/v1/build/{build_id}/lockfile/"] = Answer(200, json.dumps({"package": packages}).encode())


def test_diff_shows_what_changed_and_tells_by_its_status_when_asked(call: Caller, server: AnsweringServer) -> None:
    serve_packages(server, 12, python="3.11", zlib="1")
    serve_packages(server, 13, python="3.12", numpy="2")
    table = call("diff", "ml/nightly", "13").out
    assert "From build 12 to build 13" in table
    for row in ("│ added   │ numpy   │", "│ removed │ zlib    │", "│ changed │ python  │ 3.11"):
        assert row in table
    assert table.endswith("1 added, 1 removed, 1 changed\n")
    found = json.loads(call("diff", "12", "13", "--output", "json").out)
    assert [row["name"] for row in found["added"] + found["removed"]] == ["numpy", "zlib"]
    assert [(row["from"]["version"], row["to"]["version"]) for row in found["changed"]] == [("3.11", "3.12")]
    call("diff", "12", "13", "--exit-code", status=3)
    assert call("diff", "12", "12", "--exit-code").out == "build 12 and build 12 have the same packages\n"
    assert call("diff", "12", "99", status=1).err.startswith("Error getting build 99\n")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_a_script_that_calls_the_command(call: Caller, shell: str) -> None:
    script = call("completion", shell).out
    assert f"_CONDA_STORE_COMPLETE={shell}_complete" in script


@pytest.mark.parametrize(
    ("words", "fitting"),
    [
        ("conda-store delete ", {"build", "environment", "namespace"}),
        ("conda-store run --no", {"--no-cache"}),
        ("conda-store --auth ", {"none", "token", "basic"}),
    ],
)
def test_shell_is_told_what_fits(call: Caller, words: str, fitting: set[str]) -> None:
    asked = {"_CONDA_STORE_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": "2"}
    told = call(variables=asked).out
    assert {line.removeprefix("plain,") for line in told.split()} == fitting


def test_variable_that_is_missing_is_named_with_its_remedy(call: Caller) -> None:
    told = call("--auth", "basic", "info", status=1).err
    assert "CONDA_STORE_USERNAME" in told
    assert "conda-store login" in told


def every_command(group: click.Group, *names: str) -> Iterator[tuple[str, ...]]:
    for name, command in group.commands.items():
        yield (*names, name)
        if isinstance(command, click.Group):
            yield from every_command(command, *names, name)


@pytest.mark.parametrize("names", list(every_command(conda_store)), ids=" ".join)
def test_every_command_explains_itself_with_an_example(call: Caller, names: Sequence[str]) -> None:
    told = call(*names, "--help").out
    assert "Example" in told
    assert f"conda-store {' '.join(names)}" in told.partition("Example")[2]
