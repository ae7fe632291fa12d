"""Sizes, times, scripts, specifications: what the client reads and writes as text."""

import json
from pathlib import Path

import pytest

from conda_store_client.activation import full_command
from conda_store_client.errors import ClientError
from conda_store_client.shebang import expand_script, is_conda_store_script
from conda_store_client.sizes import format_moment, format_seconds, format_size
from conda_store_client.submitting import is_lock, read_text, with_name


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0.0B"),
        (1023, "1023.0B"),
        (1024, "1.0KiB"),
        (120157426, "114.6MiB"),
        (2**40, "1.0TiB"),
        (2**90, "1024.0YiB"),
    ],
)
def test_sizes_have_one_decimal_and_a_binary_unit(size: int, text: str) -> None:
    assert format_size(size) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0.0 s"), (3.44, "3.4 s"), (125, "2 min 05 s"), (3725, "1 h 02 min")]
)
def test_times_are_as_exact_as_people_need(seconds: float, text: str) -> None:
    assert format_seconds(seconds) == text


def test_moments_are_told_to_the_minute() -> None:
    assert format_moment("2026-11-22T11:07:30.612738") == "2026-11-22 11:07"
    assert format_moment("2026-11-22T11:07:30Z") == "2026-11-22 11:07"
    assert format_moment("") == ""


def a_script(directory: Path, *lines: str) -> str:
    """Write a script; return its path."""
    path = directory / "script.py"
    path.write_text("\n".join(lines))
    return str(path)


@pytest.mark.parametrize("first", ["#!/usr/bin/env conda-store", "#! /opt/bin/conda-store", "#!/bin/conda-store\r"])
def test_script_is_run_with_the_arguments_in_it(tmp_path: Path, first: str) -> None:
    script = a_script(tmp_path, first, "#! conda-store run ml/nightly --artifact archive -- python -W 'a b'", "print()")
    expanded = ["run", "ml/nightly", "--artifact", "archive", "--", "python", "-W", "a b", script, "-x", "y"]
    assert expand_script([script, "-x", "y"]) == expanded


def test_script_may_name_its_server(tmp_path: Path) -> None:
    script = a_script(tmp_path, "#!/usr/bin/env conda-store", "#!conda-store --conda-store-url https://h/p run 12")
    assert expand_script([script]) == ["--conda-store-url", "https://h/p", "run", "12", script]


def test_script_is_run_by_python_when_it_names_no_command(tmp_path: Path) -> None:
    script = a_script(tmp_path, "#!/usr/bin/env conda-store", "#! conda-store run 12")
    assert full_command([script, "x"]) == ("python", script, "x")


def test_command_is_python_unless_given() -> None:
    assert full_command([]) == ("python",)
    assert full_command(["ls", "-l"]) == ("ls", "-l")


@pytest.mark.parametrize(
    "lines", [["#!/usr/bin/env python", "#! conda-store run 1"], ["conda-store"], [""], ["#!conda-store-server"]]
)
def test_other_files_are_no_scripts_of_ours(tmp_path: Path, lines: list[str]) -> None:
    script = a_script(tmp_path, *lines)
    assert not is_conda_store_script(script)
    assert expand_script([script]) == [script]


def test_arguments_stay_when_no_script_is_named(tmp_path: Path) -> None:
    assert expand_script([]) == []
    assert expand_script(["info"]) == ["info"]
    assert expand_script([str(tmp_path)]) == [str(tmp_path)]
    assert expand_script(["a\0b"]) == ["a\0b"]


@pytest.mark.parametrize("line", ["print()", "#! conda-store run 'unfinished"])
def test_script_is_refused_when_it_does_not_say_how_to_run_it(tmp_path: Path, line: str) -> None:
    script = a_script(tmp_path, "#!/usr/bin/env conda-store", line)
    with pytest.raises(ClientError, match=r"script\.py"):
        expand_script([script])


@pytest.mark.parametrize(
    ("specification", "renamed"),
    [
        ("name: old\nchannels: []\n", 'name: "new"\nchannels: []\n'),
        ("# about\nchannels: []\nname:   old # why\n", '# about\nchannels: []\nname: "new"\n'),
        ('"name": old\n', 'name: "new"\n'),
        ("channels: []\n", 'name: "new"\nchannels: []\n'),
        ("# about\n---\nchannels: []\n", '# about\n---\nname: "new"\nchannels: []\n'),
        ("dependencies:\n  - pip:\n    name: inner\n", 'name: "new"\ndependencies:\n  - pip:\n    name: inner\n'),
    ],
)
def test_specification_gets_another_name_and_stays_as_it_is_written(specification: str, renamed: str) -> None:
    assert with_name(specification, "new") == renamed


def test_specification_in_json_gets_another_name() -> None:
    renamed = with_name('{"name": "old", "channels": ["a"]}', 'n"ew')
    assert json.loads(renamed) == {"name": 'n"ew', "channels": ["a"]}


def test_text_is_read_without_the_mark_of_its_encoding(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_bytes(b"\xef\xbb\xbfname: x")
    assert read_text(str(tmp_path / "a.yml")) == "name: x"


def test_file_is_refused_when_it_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ClientError, match="is not text in UTF-8"):
        read_text(str(tmp_path / "a.yml"))
    with pytest.raises(ClientError, match="cannot read"):
        read_text(str(tmp_path / "none.yml"))


def test_script_goes_on_with_its_arguments_on_further_lines(tmp_path: Path) -> None:
    lines = ["#!/usr/bin/env conda-store", "#! conda-store run ml/nightly", "#! conda-store run -- python -X dev"]
    script = a_script(tmp_path, *lines, "print()")
    assert expand_script([script]) == ["run", "ml/nightly", "--", "python", "-X", "dev", script]


@pytest.mark.parametrize(
    ("text", "path", "expected"),
    [
        ("", "pixi.lock", True),
        ("", "/a/conda-lock.yml", True),
        ("", "gpu.conda-lock.yaml", True),
        ("# platform: linux-64\n@EXPLICIT\n", "-", True),
        ("version: 1\nmetadata:\n  x: 1\npackage:\n- name: a\n", "a.yaml", True),
        ("version: 6\nenvironments:\npackages:\n", "-", True),
        ('{"metadata": {}, "package": []}', "-", True),
        ("name: a\nchannels: [b]\ndependencies:\n- package\n", "environment.yaml", False),
        ('{"name": "a"}', "-", False),
        ("[]", "-", False),
    ],
)
def test_lock_is_known_by_its_name_or_by_what_it_says(text: str, path: str, *, expected: bool) -> None:
    assert is_lock(text, path) is expected
