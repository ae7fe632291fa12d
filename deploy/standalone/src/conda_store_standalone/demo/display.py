"""What the demo shows: plain lines, and on a terminal a spinner below them."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from conda_store_standalone.demo.session import Build

_INDENT = "    "


class Display:
    """Numbered steps with the seconds they took, on ``console``."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self._steps = 0
        self._began = time.monotonic()

    @property
    def seconds(self) -> float:
        """Seconds since the demo began."""
        return time.monotonic() - self._began

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        """Show that a step begins, and how long it took when it ends well."""
        self._steps += 1
        began = time.monotonic()
        self.heading(f"{self._steps}. {title}")
        yield
        self.say(f"({time.monotonic() - began:.1f} s)")

    def heading(self, text: str) -> None:
        """Show a line that others stand below."""
        self.console.print(f"\n{text}", style="bold", highlight=False, markup=False, soft_wrap=True)

    def say(self, text: str) -> None:
        """Show lines that belong to the step."""
        for line in text.splitlines():
            self.console.print(f"{_INDENT}{line}", highlight=False, markup=False, soft_wrap=True)


class BuildDisplay:
    """Shows one build: each line with the seconds since ``began``; what goes on now, beside a spinner.

    May be entered several times: the spinner turns meanwhile.
    """

    def __init__(self, display: Display, began: float) -> None:
        self._display = display
        self._began = began
        self._seen: set[str] = set()
        self._now = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            TimeElapsedColumn(),
            console=display.console,
            transient=True,
            disable=not display.console.is_terminal,
        )
        self._task = self._now.add_task("submitting", total=None)

    def __enter__(self) -> Self:
        self._now.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._now.stop()

    def show(self, build: Build) -> None:
        """Show what is new about the build."""
        self._now.update(self._task, description=_activity(build))
        new = [artifact for artifact in build.artifacts if artifact.type not in self._seen]
        for artifact in new:
            self._seen.add(artifact.type)
            self.line(f"{artifact.type} is ready")

    def line(self, text: str) -> None:
        """Show a line of the build's log, or about it."""
        self._display.say(f"{time.monotonic() - self._began:6.1f} s  {text}")


def _activity(build: Build) -> str:
    if build.status == "QUEUED":
        return "waiting for a worker"
    if build.key_of("LOCKFILE") is None:
        return "solving"
    return "installing" if build.status == "BUILDING" else "making artifacts"
