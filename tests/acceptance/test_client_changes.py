"""Logging in, and what the command `conda-store` looks up, changes and deletes, against the running suite."""

import json
import re
import socket
import stat
import uuid

from tests.acceptance.command_line import CommandLine


def test_client_logs_in_on_a_terminal_and_out_again(command: CommandLine) -> None:
    with command.on_terminal("login") as terminal:
        terminal.wait_for("User name")
        terminal.type("dave\n")
        terminal.wait_for("Password of dave: ")
        terminal.type("password\n")
    assert f"logged in to {command.url} as dave until 20" in terminal.shown
    assert "password" not in terminal.shown
    stored = command.directory / "config" / "conda-store" / "tokens.json"
    assert stat.S_IMODE(stored.stat().st_mode) == 0o600
    token = json.loads(stored.read_text())[command.url]["token"]
    by_token = {"CONDA_STORE_AUTH": "token", "CONDA_STORE_TOKEN": token}
    assert command("info", variables={}).stdout.startswith("Default namespace is dave\nAuthenticated True\n")
    assert "Authenticated True" in command("info", variables=by_token).stdout
    assert command("logout", variables={}).stdout == f"logged out of {command.url}\n"
    assert "Authenticated False" in command("info", variables=by_token).stdout
    assert token not in stored.read_text()


def test_client_asks_before_it_deletes(command: CommandLine) -> None:
    namespace = f"gone-{uuid.uuid4().hex[:8]}"
    build = command("create", command.specification(["demo-text"], "old"), "--namespace", namespace, "--no-wait").stdout
    build = build.strip()
    command("wait", build, "--interval", "0.1")
    assert "use --yes" in command("delete", "namespace", namespace, status=2).stderr
    command("login", variables={"CONDA_STORE_USERNAME": "carol", "CONDA_STORE_PASSWORD": "password"})
    for answer, status, told in (("n", 1, "Nothing was deleted"), ("y", 0, f"build {build} is deleted")):
        with command.on_terminal("delete", "build", f"{namespace}/old:{build}", status=status) as terminal:
            terminal.wait_for(f"Delete build {build} ({namespace}/old:{build})? [y/N]: ")
            terminal.type(f"{answer}\n")
        assert told in terminal.shown
    done = command("delete", "environment", f"{namespace}/old", "--yes")
    assert done.stdout == f"environment {namespace}/old is deleted\n"
    assert "environment does not exist" in command("wait", f"{namespace}/old", status=1).stderr
    assert command("delete", "namespace", namespace, "--yes").stdout == f"namespace {namespace} is deleted\n"
    assert namespace not in command("list", "namespace").stdout


def test_client_solves_without_building(conda_store: CommandLine) -> None:
    file = conda_store.specification(["demo-text", "demo-versions <2"])
    before = json.loads(conda_store("list", "build", "--output", "json").stdout)
    rows = json.loads(conda_store("solve", file, "--output", "json").stdout)
    assert {"demo-text", "demo-versions"} <= {row["name"] for row in rows}
    assert {row["channel"]["name"] for row in rows} == {conda_store.channel}
    table = conda_store("solve", file).stdout
    assert re.search(r"│ demo-versions +│ 1\S* +│ \S+ +│ +\d+\.\d\w*B +│", table)
    assert re.search(rf"^{len(rows)} packages, \d+\.\d\w*B$", table, re.MULTILINE)
    assert len(json.loads(conda_store("list", "build", "--output", "json").stdout)) == len(before)
    refused = conda_store("solve", conda_store.specification(["demo-needs-old", "demo-versions >=2"]), status=1)
    assert refused.stderr.startswith("Error solving ")
    assert "demo-versions <2" in refused.stderr


def test_client_compares_two_builds(command: CommandLine, small: str) -> None:
    other = command.create("demo-versions <2", "demo-text")
    newest = command.create("demo-versions")
    for build in (other, newest):
        command("wait", build, "--artifact", "lockfile", "--interval", "0.1")
    found = json.loads(command("diff", other, newest, "--output", "json").stdout)
    assert "demo-text" in {row["name"] for row in found["removed"]}
    [change] = [row for row in found["changed"] if row["from"]["name"] == "demo-versions"]
    assert change["from"]["version"].startswith("1")
    assert not change["to"]["version"].startswith("1")
    table = command("diff", other, newest, "--exit-code", status=3).stdout
    assert re.search(r"│ changed │ demo-versions +│ 1\S* +│ \S+ +│", table)
    assert command("diff", "carol/small", small, "--exit-code").stdout.endswith("have the same packages\n")


def test_client_changes_settings_of_a_namespace_and_takes_them_back(conda_store: CommandLine) -> None:
    place = f"settings-{uuid.uuid4().hex[:8]}"

    def channels(at: str) -> object:
        shown = conda_store("settings", "show", "conda_default_channels", "--at", at, "--output", "json")
        return json.loads(shown.stdout)["conda_default_channels"]

    original = channels(place)
    told = conda_store("settings", "set", "--at", place, "conda_default_channels=one,two").stdout
    assert told == f'{place}: conda_default_channels = ["one", "two"]\n'
    assert channels(f"{place}/any") == ["one", "two"]
    assert '["one", "two"]' in conda_store("settings", "show", "--at", place).stdout
    told = conda_store("settings", "reset", "--at", place, "conda_default_channels").stdout
    assert told == f"{place}: conda_default_channels is reset\n"
    assert channels(f"{place}/any") == original
    refused = conda_store("settings", "set", "--at", place, "conda_max_solve_time=9", status=1)
    assert "is a global setting" in refused.stderr


def test_client_leaves_a_build_alone_when_it_is_interrupted(command: CommandLine) -> None:
    command("login", variables={"CONDA_STORE_USERNAME": "carol", "CONDA_STORE_PASSWORD": "password"})
    with socket.create_server(("127.0.0.1", 0)) as silent:
        # A channel that takes the question and never answers: the build cannot be over before the key is pressed.
        command.channel = f"http://127.0.0.1:{silent.getsockname()[1]}/silent"
        with command.on_terminal("create", command.specification(["python"]), status=130) as terminal:
            terminal.wait_for("solve")
            terminal.type("\x03")
        goes_on = re.search(r"build (\d+) goes on", terminal.shown)
        assert goes_on is not None
        assert command("cancel", goes_on[1]).stdout == f"build {goes_on[1]} is CANCELED\n"
