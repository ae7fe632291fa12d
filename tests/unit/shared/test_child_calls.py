"""What a call gives back: result, log, progress, and the cause when it fails."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from conda_store_shared.child.pool import ChildCall, ChildPool, PoolOptions
from conda_store_shared.errors import StageFailure
from conda_store_shared.testing.figures import figure

pytestmark = pytest.mark.asyncio(loop_scope="module")


class Notes:
    """A report that is kept."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.steps: list[tuple[int, int, str]] = []

    def log(self, text: str) -> None:
        self.lines.append(text)

    def progress(self, done: int, total: int, unit: str) -> None:
        self.steps.append((done, total, unit))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def pool() -> AsyncIterator[ChildPool]:
    environment = {"PYTHONPATH": str(Path(__file__).parent), "EXTRA": "given"}
    with pytest.MonkeyPatch.context() as outside:
        outside.setenv("AWS_SECRET_ACCESS_KEY", "not for children")
        async with ChildPool(PoolOptions(preload=("rattler",), spares=2, environment=environment)) as opened:
            yield opened


def a_call(function: str, **arguments: Any) -> ChildCall:
    return ChildCall(function=f"child_functions:{function}", arguments=arguments, timeout=10)


async def test_child_returns_the_result(pool: ChildPool) -> None:
    assert (await pool.call(a_call("add", numbers=[1, 2, 3])))["sum"] == 6


async def test_figures_of_a_child_are_added_to_those_of_the_process_that_called(pool: ChildPool) -> None:
    names = [("conda_store_cache_lookups_total", {"cache": "packages", "outcome": each}) for each in ("hit", "miss")]
    names += [("conda_store_child_calls_total", {"call": "look_up", "outcome": "done"})]
    before = [figure(name, **labels) for name, labels in names]
    await pool.call(a_call("look_up", hits=3, misses=2))
    assert [figure(name, **labels) - old for (name, labels), old in zip(names, before, strict=True)] == [3, 2, 1]


async def test_child_takes_and_returns_megabytes(pool: ChildPool) -> None:
    numbers = list(range(500_000))

    assert (await pool.call(a_call("add", numbers=numbers)))["sum"] == sum(numbers)


async def test_child_sees_no_secret_of_the_service(pool: ChildPool) -> None:
    environment = await pool.call(a_call("environment"))

    assert "AWS_SECRET_ACCESS_KEY" not in environment
    assert environment["EXTRA"] == "given"
    assert "PATH" in environment


async def test_log_holds_every_line_of_the_child_and_its_children(pool: ChildPool) -> None:
    notes = Notes()
    await pool.call(a_call("speak"), notes)

    spoken, (bad, long, address, unfinished) = notes.lines[:5], notes.lines[5:]
    assert spoken == ["first", "second", "printed", "from a grandchild", "to stderr"]
    assert bad == "bad \N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER} bytes"
    assert long.endswith("… (cut)")
    assert len(long) < 20_000
    assert "secret" not in address
    assert "token" not in address
    assert unfinished == "unfinished"


async def test_progress_is_thinned_out_but_tells_the_end(pool: ChildPool) -> None:
    notes = Notes()
    await pool.call(a_call("speak"), notes)

    assert notes.steps[0] == (1, 1000, "packages")
    assert notes.steps[-1] == (1000, 1000, "packages")
    assert len(notes.steps) < 100


@pytest.mark.parametrize(
    ("kind", "cause", "detail", "transient"),
    [
        ("stage_failure", "unsatisfiable", "no numpy\n└─ at all", True),
        ("disk_full", "disk_full", "ExceptionGroup: while writing (1 sub-exception)", True),
        ("disk_full_text", "disk_full", "RuntimeError: failed to link: No space left on device (os error 28)", True),
        ("memory", "out_of_memory", "the process could get no more memory", False),
        ("exit", "internal_error", "SystemExit: enough", False),
        ("other", "internal_error", "LookupError: nothing there", False),
    ],
)
async def test_failure_travels_with_its_cause(
    pool: ChildPool, kind: str, cause: str, detail: str, transient: bool
) -> None:
    notes = Notes()
    with pytest.raises(StageFailure) as raised:
        await pool.call(a_call("fail", kind=kind), notes)

    assert (raised.value.cause, raised.value.detail, raised.value.transient) == (cause, detail, transient)
    # The traceback is for the log, not for the message.
    assert ("Traceback (most recent call last):" in notes.lines) == (kind != "stage_failure")


@pytest.mark.parametrize("function", ["unspeakable", "missing"])
async def test_call_fails_when_function_or_result_is_unusable(pool: ChildPool, function: str) -> None:
    with pytest.raises(StageFailure) as raised:
        await pool.call(a_call(function))

    assert raised.value.cause == "internal_error"


async def test_call_is_lost_when_the_child_leaves(pool: ChildPool) -> None:
    with pytest.raises(StageFailure) as raised:
        await pool.call(a_call("leave"))

    assert (raised.value.cause, raised.value.transient) == ("worker_lost", True)
    assert "status 3" in raised.value.detail


async def test_calls_run_at_the_same_time_when_two_children_are_free(pool: ChildPool, tmp_path: Path) -> None:
    one, other = str(tmp_path / "one"), str(tmp_path / "other")
    await asyncio.gather(
        pool.call(a_call("meet", mine=one, other=other)), pool.call(a_call("meet", mine=other, other=one))
    )


async def test_child_keeps_its_loop_over_calls(pool: ChildPool) -> None:
    first = await pool.call(a_call("remember"))
    second = await pool.call(a_call("remember"))

    assert first["pid"] == second["pid"]
    assert second["same_loop"]


async def test_rattler_works_in_a_child_when_imported_before_the_fork(pool: ChildPool, tmp_path: Path) -> None:
    record = {"name": "zlib", "version": "1.3", "build": "0", "build_number": 0, "subdir": "linux-64"}
    for subdir, packages in (("linux-64", {"zlib-1.3-0.conda": record}), ("noarch", {})):
        (tmp_path / subdir).mkdir()
        repodata = {"info": {"subdir": subdir}, "packages": {}, "packages.conda": packages, "repodata_version": 1}
        (tmp_path / subdir / "repodata.json").write_text(json.dumps(repodata))
    call = a_call("query_channel", channel=tmp_path.as_uri(), cache=str(tmp_path / "cache"))

    assert (await pool.call(call))["names"] == ["zlib"]
    assert await pool.call(call) == {"names": ["zlib"], "warm": True}


async def test_warm_child_answers_in_milliseconds(pool: ChildPool) -> None:
    call = a_call("add", numbers=[])
    await pool.call(call)
    began = time.perf_counter()
    for _ in range(50):
        await pool.call(call)
    # Printed, not asserted: the machine may be busy.
    print(f"\none call of a warm child: {(time.perf_counter() - began) * 20:.2f} ms")  # noqa: T201
