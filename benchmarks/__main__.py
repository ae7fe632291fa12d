"""Run measurements, print each figure with its budget, write the results.  The exit status says nothing of budgets."""

import argparse
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import httpx

from benchmarks import (
    artifacts,
    event_streams,
    idle_memory,
    image_pull,
    large_prefix,
    lists,
    many_builds,
    one_build,
    package_search,
    solve_time,
    submit_latency,
    webhook_latency,
)
from benchmarks.bench import MODES, Bench
from benchmarks.customer import BuildFailed
from benchmarks.figures import Figure
from benchmarks.load import WrongAnswer
from benchmarks.machine import Machine
from benchmarks.results import Results
from conda_store_shared.testing.servers import ServerNotInstalled, ServerNotReady

MEASUREMENTS: dict[str, Callable[[Bench], list[Figure]]] = {
    "idle_memory": idle_memory.measure,
    "one_build": one_build.measure,
    "artifacts": artifacts.measure,
    "image_pull": image_pull.measure,
    "large_prefix": large_prefix.measure,
    "solve_time": solve_time.measure,
    "submit_latency": submit_latency.measure,
    "webhook_latency": webhook_latency.measure,
    "event_streams": event_streams.measure,
    "many_builds": many_builds.measure,
    "package_search": package_search.measure,
    "lists": lists.measure,
}
RESULTS = Path(__file__).parent / "results"


class TookTooLong(Exception):
    """A measurement did not end in time."""


# Why a measurement may have no figures, which is said, and the next one begins.
NOT_MEASURED = (BuildFailed, WrongAnswer, TookTooLong, ServerNotInstalled, ServerNotReady, httpx.HTTPError)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure; 1 when something could not be measured."""
    options = _parser().parse_args(arguments)
    machine = Machine.now()
    print(machine.description())
    if machine.warning:
        print(f"WARNING: {machine.warning}")
    figures: dict[str, list[Figure]] = {}
    failures: dict[str, str] = {}
    results = Results(machine=machine, quick=options.quick, figures=figures, failures=failures)
    with Bench(modes=tuple(options.mode or MODES), quick=options.quick) as bench:
        for name in options.names or MEASUREMENTS:
            began = time.monotonic()
            try:
                with _limit(options.timeout):
                    figures[name] = MEASUREMENTS[name](bench)
            except NOT_MEASURED as error:
                failures[name] = str(error) or repr(error)
            _print(name, figures.get(name, []), failures.get(name), time.monotonic() - began)
            # Each time: whatever ends the run, what is measured already is kept.
            results.write(options.output)
    print(f"\nwritten to {options.output}")
    return 1 if failures else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"what to measure: {', '.join(MEASUREMENTS)}",
                        type=_known)  # fmt: skip
    parser.add_argument("--quick", action="store_true", help="few repeats, to see that it works")
    parser.add_argument("--mode", action="append", choices=MODES, help="measure the suite in this mode only")
    parser.add_argument("--timeout", type=int, default=900, help="seconds each measurement may take (%(default)s)")
    parser.add_argument("--output", type=Path, default=RESULTS, help="directory of the results (%(default)s)")
    return parser


def _known(name: str) -> str:
    if name not in MEASUREMENTS:
        raise argparse.ArgumentTypeError(f"{name!r} is none of {', '.join(MEASUREMENTS)}")
    return name


@contextmanager
def _limit(seconds: int) -> Iterator[None]:
    """Raise TookTooLong in here after ``seconds``."""

    def ring(_number: int, _frame: FrameType | None) -> None:
        raise TookTooLong(f"it did not end within {seconds} seconds")

    signal.signal(signal.SIGALRM, ring)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)


def _print(name: str, figures: Sequence[Figure], failure: str | None, seconds: float) -> None:
    print(f"\n{name} ({seconds:.0f} s)")
    for figure in figures:
        print(f"  {figure.line()}")
    if failure:
        print(f"  not measured: {failure}")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
