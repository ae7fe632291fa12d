"""Shows a build being made: alive on a terminal, in plain lines elsewhere."""

import time
from collections import deque
from collections.abc import Iterable
from contextlib import AbstractContextManager
from typing import IO, Protocol, Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from conda_store_client.builds import Stage
from conda_store_client.following import Progress
from conda_store_client.sizes import format_seconds
from conda_store_client.stage_view import StageClock, amount_of, label_of, with_expected

_LOG_LINES = 6
_BAR_WIDTH = 24
_SECONDS_BETWEEN_LINES = 5.0
_SIGNS = {
    "done": Text("✓", "bold green"),
    "failed": Text("✗", "bold red"),
    "canceled": Text("✗", "yellow"),
    "requested": Text("·", "cyan"),
}
_ASCII_SIGNS = {"done": Text("+"), "failed": Text("x"), "canceled": Text("x"), "requested": Text(".")}


class Display(Protocol):
    """Shows progress as long as it is entered."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *_error: object) -> None: ...

    def show(self, progress: Progress) -> None:
        """Show a build as it is now."""


def open_display(title: str, console: Console) -> Display:
    """The display that fits a console; ``title`` says which build it is about."""
    # A console that is told to use colors calls itself a terminal even when it is a file.
    if console.file.isatty() and not console.is_dumb_terminal:
        return LiveDisplay(title, console)
    return PlainDisplay(console.file)


def show_all(display: Display, progresses: Iterable[Progress]) -> Progress:
    """Show a build until it is over; return how it ended."""
    latest: Progress | None = None
    with display:
        for latest in progresses:
            display.show(latest)
    assert latest is not None  # noqa: S101  following begins with what there is
    return latest


class LiveDisplay:
    """A picture that is drawn over and over: a line for each stage, and below them the end of the log."""

    def __init__(self, title: str, console: Console) -> None:
        self._title = title
        self._console = console
        self._spinner = Spinner("dots" if _can_draw(console) else "line", style="cyan")
        self._signs = _SIGNS if _can_draw(console) else _ASCII_SIGNS
        self._clock = StageClock()
        self._began = time.monotonic()
        self._latest: Progress | None = None
        self._log: deque[str] = deque(maxlen=_LOG_LINES)
        self._is_over = False
        self._live: AbstractContextManager[Live] = Live(
            get_renderable=self._draw, console=console, refresh_per_second=8, redirect_stdout=False
        )

    def __enter__(self) -> Self:
        self._live.__enter__()
        return self

    def __exit__(self, *_error: object) -> None:
        # The last picture stays on the screen; what it says about a log belongs to the moment.
        self._is_over = True
        self._live.__exit__(None, None, None)

    def show(self, progress: Progress) -> None:
        """Show a build as it is now."""
        self._clock.observe(progress.stages, time.monotonic())
        self._log.extend(line for line in progress.log.splitlines() if line.strip())
        self._latest = progress

    def _draw(self) -> RenderableType:
        latest = self._latest
        if latest is None:
            return Text(self._title)
        elapsed = format_seconds(time.monotonic() - self._began)
        head = Text.assemble((self._title, "bold"), f"  {latest.build.status}  {elapsed}")
        if latest.trouble and not self._is_over:
            head.append(f"  {latest.trouble}; trying again", "yellow")
        parts: list[RenderableType] = [head, self._stages(latest)]
        if self._log and not self._is_over:
            parts.extend(Text(f"  {line}", "dim", no_wrap=True, overflow="ellipsis") for line in self._log)
        return Group(*parts)

    def _stages(self, latest: Progress) -> Table:
        table = Table.grid(padding=(0, 2))
        now = time.monotonic()
        for stage in with_expected(latest.stages, more_to_come=not latest.build.has_ended):
            elapsed = Text(self._clock.elapsed(stage, now), justify="right")
            table.add_row(self._sign(stage), label_of(stage), elapsed, self._amount(stage))
        return table

    def _sign(self, stage: Stage) -> RenderableType:
        return self._spinner if stage.state == "running" else self._signs.get(stage.state, Text(" "))

    def _amount(self, stage: Stage) -> RenderableType:
        amount = amount_of(stage)
        if stage.state == "running" and stage.total:
            row = Table.grid(padding=(0, 1))
            row.add_row(ProgressBar(total=stage.total, completed=stage.done, width=_BAR_WIDTH), amount)
            return row
        return Text(_remark(stage) or amount, "" if stage.state == "done" else "dim")


class PlainDisplay:
    """A line for whatever changes, and the log as it is written."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream
        self._clock = StageClock()
        self._said: dict[str, str] = {}
        self._next_amount = time.monotonic() + _SECONDS_BETWEEN_LINES
        self._rest = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        if self._rest:
            self._say(f"  {self._rest}")

    def show(self, progress: Progress) -> None:
        """Tell what is new since the last time."""
        now = time.monotonic()
        self._clock.observe(progress.stages, now)
        for line in self._whole_lines(progress.log):
            self._say(f"  {line}")
        for stage in progress.stages:
            self._say_once(stage.name, f"{label_of(stage)}: {self._state(stage, now)}")
        if now >= self._next_amount:
            self._next_amount = now + _SECONDS_BETWEEN_LINES
            for stage in progress.stages:
                if stage.state == "running" and stage.total:
                    self._say_once(f"amount of {stage.name}", f"{label_of(stage)}: {amount_of(stage)}")
        self._say_once("trouble", f"{progress.trouble}; trying again" if progress.trouble else "")
        self._say_once("build", f"build {progress.build.id}: {progress.build.status}")

    def _state(self, stage: Stage, now: float) -> str:
        if stage.state == "done":
            facts = ", ".join(filter(None, (amount_of(stage), self._clock.elapsed(stage, now))))
            return f"done ({facts})" if facts else "done"
        return " ".join(filter(None, (stage.state, _remark(stage))))

    def _whole_lines(self, text: str) -> list[str]:
        *lines, self._rest = (self._rest + text).split("\n")
        return [line.rstrip("\r") for line in lines]

    def _say_once(self, subject: str, line: str) -> None:
        if self._said.get(subject, "") != line:
            self._said[subject] = line
            if line:
                self._say(line)

    def _say(self, line: str) -> None:
        self._stream.write(f"{line}\n")
        self._stream.flush()


def _remark(stage: Stage) -> str:
    """What is to be said about a stage besides its amount."""
    if stage.state in ("failed", "waiting"):
        return (stage.detail.splitlines() or ["tries again soon" if stage.state == "waiting" else "failed"])[0]
    return f"attempt {stage.attempts}" if stage.attempts > 1 and stage.is_open else ""


def _can_draw(console: Console) -> bool:
    return console.encoding.lower().startswith("utf")
