"""What people see while a build is made."""

import contextlib
import io
import os
import pty
import re
from collections.abc import Iterator

import pytest
from rich.console import Console

from conda_store_client.builds import Build, Stage
from conda_store_client.display import PlainDisplay, open_display, show_all
from conda_store_client.following import Progress
from conda_store_client.stage_view import StageClock, amount_of, label_of, with_expected
from tests.unit.client.client_builds import a_build


def a_progress(status: str, *stages: Stage, log: str = "", trouble: str = "") -> Progress:
    """Return a build at one moment."""
    return Progress(build=Build.parse(a_build(12, status)), stages=stages, log=log, trouble=trouble)


def a_course() -> Iterator[Progress]:
    """Return a build from its beginning to its end."""
    solved = Stage(name="solve", state="done", done=1, total=1, unit="platforms")
    installed = Stage(name="prefix", state="done", done=11, total=11, unit="packages")
    installing = Stage(name="prefix", state="running", done=3 * 2**20, total=12 * 2**20, unit="bytes")
    yield a_progress("QUEUED", Stage(name="solve", state="requested"))
    yield a_progress("BUILDING", Stage(name="solve", state="running"), log="solving for [linux-64]\nhalf a ")
    yield a_progress("BUILDING", solved, installing, log="line\n")
    yield a_progress("BUILDING", solved, trouble="cannot reach http://h")
    yield a_progress("COMPLETED", solved, installed, Stage(name="artifact.CONDA_PACK", state="running", attempts=2))
    yield a_progress(
        "COMPLETED", solved, installed, Stage(name="artifact.CONDA_PACK", state="failed", detail="disk full\nmore")
    )


def test_plain_display_tells_each_change_in_a_line_of_its_own() -> None:
    stream = io.StringIO()
    last = show_all(PlainDisplay(stream), a_course())
    assert last.stages[-1].state == "failed"
    lines = re.sub(r"\d+\.\d s", "# s", stream.getvalue()).splitlines()
    assert lines == [
        "solve: requested",
        "build 12: QUEUED",
        "  solving for [linux-64]",
        "solve: running",
        "build 12: BUILDING",
        "  half a line",
        "solve: done (1 platforms, # s)",
        "install: running",
        "cannot reach http://h; trying again",
        "install: done (11 packages, # s)",
        "archive: running attempt 2",
        "build 12: COMPLETED",
        "archive: failed disk full",
    ]


def test_plain_display_keeps_the_end_of_a_log_without_line_end() -> None:
    stream = io.StringIO()
    show_all(PlainDisplay(stream), [a_progress("FAILED", log="the end")])
    assert stream.getvalue().splitlines()[-1] == "  the end"


def test_plain_display_is_for_what_is_no_terminal() -> None:
    assert isinstance(open_display("build 12", Console(file=io.StringIO(), force_terminal=True)), PlainDisplay)


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_live_display_draws_stages_on_a_terminal(encoding: str) -> None:
    terminal, end = pty.openpty()
    with os.fdopen(end, "w", encoding=encoding) as stream:
        display = open_display("build 12", Console(file=stream, _environ={"TERM": "xterm", "COLUMNS": "100"}))
        assert not isinstance(display, PlainDisplay)
        show_all(display, a_course())
    drawn = read_all(terminal).decode(encoding)
    last = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", drawn)
    assert "COMPLETED" in last
    assert re.search(r"solve\s+\d+\.\d s\s+1 platforms", last)
    assert re.search(r"install\s+\d+\.\d s\s+11 packages", last)
    assert re.search(r"archive\s+\d+\.\d s\s+disk full", last)


def read_all(terminal: int) -> bytes:
    """Return all that was written to a terminal whose other end is closed."""
    read = b""
    with contextlib.suppress(OSError), os.fdopen(terminal, "rb", buffering=0) as stream:
        while piece := stream.read(65536):
            read += piece
    return read


def test_dumb_terminal_gets_plain_lines() -> None:
    terminal, end = pty.openpty()
    with os.fdopen(end, "w") as stream:
        assert isinstance(open_display("build 12", Console(file=stream, _environ={"TERM": "dumb"})), PlainDisplay)
    os.close(terminal)


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("solve", "solve"),
        ("prefix", "install"),
        ("artifact.CONDA_PACK", "archive"),
        ("artifact.YAML", "yaml"),
        ("artifact.DOCKER_MANIFEST", "docker manifest"),
    ],
)
def test_stages_are_called_by_what_they_make(name: str, label: str) -> None:
    assert label_of(Stage(name=name, state="done")) == label


@pytest.mark.parametrize(
    ("state", "done", "total", "unit", "amount"),
    [
        ("running", 0, 0, "", ""),
        ("running", 7, 11, "packages", "7/11 packages"),
        ("done", 10, 11, "packages", "11 packages"),
        ("running", 1024, 2048, "bytes", "1.0KiB/2.0KiB"),
        ("done", 2048, 2048, "bytes", "2.0KiB"),
    ],
)
def test_stages_tell_how_far_they_are(state: str, done: int, total: int, unit: str, amount: str) -> None:
    assert amount_of(Stage(name="prefix", state=state, done=done, total=total, unit=unit)) == amount


def test_stages_to_come_are_shown_until_the_build_has_ended() -> None:
    stages = [Stage(name="solve", state="running")]
    assert [stage.name for stage in with_expected(stages, more_to_come=True)] == ["solve", "prefix"]
    assert [stage.name for stage in with_expected(stages, more_to_come=False)] == ["solve"]


def test_clock_counts_from_when_a_stage_was_first_seen_at_work() -> None:
    clock = StageClock()
    running, done = Stage(name="solve", state="running"), Stage(name="solve", state="done")
    assert clock.elapsed(running, 5.0) == ""
    clock.observe([running], 10.0)
    clock.observe([running], 11.0)
    assert clock.elapsed(running, 12.5) == "2.5 s"
    clock.observe([done], 13.0)
    clock.observe([done], 20.0)
    assert clock.elapsed(done, 30.0) == "3.0 s"
