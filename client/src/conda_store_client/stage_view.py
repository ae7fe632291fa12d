"""Stages in words: what each is called, how far it is, how long it has been at it."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from conda_store_client.builds import Stage
from conda_store_client.sizes import format_seconds, format_size

# What people see of the stages that every build goes through.
_LABELS = {"solve": "solve", "prefix": "install", "CONDA_PACK": "archive", "CONSTRUCTOR_INSTALLER": "installer"}
_EXPECTED = ("solve", "prefix")


def label_of(stage: Stage) -> str:
    """What a stage is called: solve, install, or what it makes."""
    name = stage.artifact_type or stage.name
    return _LABELS.get(name, name.lower().replace("_", " "))


def amount_of(stage: Stage) -> str:
    """How far a stage is: ``7/11 packages``, ``12.0MiB/35.2MiB``; the total once it is done."""
    if not stage.total:
        return ""
    if stage.unit == "bytes":
        total = format_size(stage.total)
        return total if stage.state == "done" else f"{format_size(stage.done)}/{total}"
    done = "" if stage.state == "done" else f"{stage.done}/"
    return f"{done}{stage.total} {stage.unit}".rstrip()


def with_expected(stages: Sequence[Stage], *, more_to_come: bool) -> tuple[Stage, ...]:
    """Add the stages that every build goes through and that this one has not come to yet."""
    known = {stage.name for stage in stages}
    coming = [Stage(name=name, state="coming") for name in _EXPECTED if name not in known]
    return (*stages, *coming) if more_to_come else tuple(stages)


@dataclass(slots=True)
class StageClock:
    """When each stage was first and last seen at work, in seconds of a monotonic clock."""

    began: dict[str, float] = field(default_factory=dict)
    ended: dict[str, float] = field(default_factory=dict)

    def observe(self, stages: Sequence[Stage], now: float) -> None:
        """Take note of what the stages are doing."""
        for stage in stages:
            if stage.state in ("requested", "running"):
                self.began.setdefault(stage.name, now)
                self.ended.pop(stage.name, None)
            elif stage.name in self.began:
                self.ended.setdefault(stage.name, now)

    def elapsed(self, stage: Stage, now: float) -> str:
        """How long the stage took so far; empty when it was not seen at work."""
        began = self.began.get(stage.name)
        return "" if began is None else format_seconds(self.ended.get(stage.name, now) - began)
