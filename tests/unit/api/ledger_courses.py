"""How builds may go, and their messages on the way to the ledger in any order (design §3.1)."""

import asyncio
import random
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st

from conda_store_api.consumers import Tools, subscriptions
from conda_store_api.domain.policy import LedgerOptions
from conda_store_api.repositories.stages import OPEN
from conda_store_api.use_cases.ledger.stage_failed import RetryPolicy
from conda_store_shared.bus.port import Handler
from conda_store_shared.contracts import events
from conda_store_shared.contracts.topology import API, queue_name
from conda_store_shared.db.models import Build
from conda_store_shared.db.moments import now
from conda_store_shared.domain.build import TERMINAL
from conda_store_shared.domain.stage import PREFIX, SOLVE
from conda_store_shared.testing.bus_messages import an_envelope
from tests.unit.api.ledger_builders import NOON, Attempt, Ledger, a_policy, of_type

YAML = "artifact.YAML"
STAGES = (SOLVE, PREFIX, YAML)
REQUESTS = (events.SolveRequested, events.PrefixRequested, events.ArtifactRequested)
# Only these lead to requests; looking for requests after every message would take longer than handling it.
PRODUCTS = (events.LockfileSolved, events.PrefixBuilt)


def with_examples(number: int) -> settings:
    """Settings of a property test; its examples share a database, on which each has builds of its own.

    Examples are not made smaller: that takes minutes, and the seed tells the order anyway.
    """
    return settings(
        max_examples=number,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )


@dataclass(frozen=True)
class Course:
    """How a stage goes: attempts that come to nothing, then one that succeeds or fails for good."""

    earlier: list[str]
    succeeds: bool
    pieces: int

    def messages(self, build: Build, stage: str) -> list[events.BuildEvent]:
        """Everything that is said of the stage."""
        said: list[events.BuildEvent] = []
        for number, end in enumerate([*self.earlier, "product" if self.succeeds else "permanent"]):
            attempt = Attempt(build, stage, NOON + timedelta(minutes=number), f"{stage[-4:]}{number}")
            said.append(attempt.started())
            said += [attempt.progress(number)] * (number % 2)
            said += [attempt.log(piece, f"{stage} {number} {piece}\n") for piece in range(self.pieces)]
            said += _end(attempt, end)
        return said


def _end(attempt: Attempt, end: str) -> list[events.BuildEvent]:
    ends: dict[str, events.BuildEvent] = {
        "interrupted": attempt.interrupted(),
        "transient": attempt.failed("channel_unreachable", transient=True),
        "permanent": attempt.failed("unsatisfiable"),
        "product": attempt.product(),
    }
    return [ends[end]] if end in ends else []


BuildCourse = Mapping[str, Course]
COURSES: st.SearchStrategy[Course] = st.builds(
    Course,
    earlier=st.lists(st.sampled_from(["silent", "interrupted", "transient"]), max_size=2),
    succeeds=st.integers(0, 5).map(bool),
    pieces=st.integers(0, 1),
)
BUILDS: st.SearchStrategy[BuildCourse] = st.fixed_dictionaries(dict.fromkeys(STAGES, COURSES))


def expected_status(course: BuildCourse) -> str:
    """How a build ends whose stages go like that."""
    return "COMPLETED" if course[SOLVE].succeeds and course[PREFIX].succeeds else "FAILED"


def expected_artifacts(course: BuildCourse) -> list[str]:
    """What such a build leaves behind, sorted."""
    if expected_status(course) == "FAILED":
        return ["LOCKFILE"] if course[SOLVE].succeeds else []
    return ["DIRECTORY", "LOCKFILE", *(["YAML"] if course[YAML].succeeds else [])]


def expected_log(build: Build, course: BuildCourse) -> list[str]:
    """Every piece of its log, sorted."""
    reached = [stage for stage, before in zip(STAGES, (True, *_succeed(course)), strict=False) if before]
    said = [message for stage in reached for message in course[stage].messages(build, stage)]
    return sorted(piece.lines for piece in said if isinstance(piece, events.LogWritten))


def _succeed(course: BuildCourse) -> tuple[bool, bool]:
    return course[SOLVE].succeeds, course[SOLVE].succeeds and course[PREFIX].succeeds


def stage_of(event: events.Event) -> str:
    """The stage that a request asks for."""
    if isinstance(event, events.ArtifactRequested):
        return f"artifact.{event.artifact_type}"
    return PREFIX if isinstance(event, events.PrefixRequested) else SOLVE


@dataclass
class Post:
    """Messages on their way: handed out in any order, some again and again; a stage speaks once it is requested.

    ``at_once`` messages are handled side by side; a user cancels the builds after ``cancel_after`` messages.
    """

    ledger: Ledger
    handlers: Mapping[str, Handler]
    chance: random.Random
    builds: Mapping[int, Build]
    courses: Mapping[int, BuildCourse]
    at_once: int = 1
    cancel_after: int | None = None
    handled: int = 0
    waiting: list[events.BuildEvent] = field(default_factory=list)
    requests: list[events.Event] = field(default_factory=list)
    seen: dict[int, tuple[int, str]] = field(default_factory=dict)

    async def deliver_all(self) -> None:
        """Deliver until nothing is on its way."""
        await self._collect()
        while self.waiting:
            batch = [self._pick() for _ in range(min(self.at_once, len(self.waiting)))]
            async with asyncio.TaskGroup() as group:
                for event in batch:
                    group.create_task(self._handle(event))
            self.handled += len(batch)
            if self.cancel_after is not None and self.handled >= self.cancel_after:
                await self._cancel()
            if any(isinstance(event, PRODUCTS) for event in batch):
                await self._collect()
        await self._collect()

    async def _cancel(self) -> None:
        self.cancel_after = None
        for build in self.builds.values():
            await self.ledger.cancel(build)

    def _pick(self) -> events.BuildEvent:
        event = self.waiting.pop(self.chance.randrange(len(self.waiting)))
        if self.chance.random() < 0.15:
            self.waiting.append(event)
        return event

    async def _handle(self, event: events.BuildEvent) -> None:
        await self.handlers[queue_name(API, type(event))](an_envelope(event))
        if not isinstance(event, events.LogWritten | events.StageProgress):
            await self._check_nothing_went_back(event.build_id)

    async def _check_nothing_went_back(self, build_id: int) -> None:
        earlier_rank, earlier_status = self.seen.get(build_id, (0, "QUEUED"))
        row = await self.ledger.build(build_id)
        assert row.rank >= earlier_rank
        assert row.status == earlier_status or earlier_status not in TERMINAL
        self.seen[build_id] = (row.rank, row.status)

    async def _collect(self) -> None:
        taken = await self.ledger.take()
        self.requests += taken
        for event in taken:
            if isinstance(event, REQUESTS):
                stage = stage_of(event)
                self.waiting += self.courses[event.build_id][stage].messages(self.builds[event.build_id], stage)

    async def check(self) -> None:
        """Every build ended as its stages did, and everything was asked for once."""
        for build_id, build in self.builds.items():
            await self._check_build(build, self.courses[build_id])

    async def _check_build(self, build: Build, course: BuildCourse) -> None:
        row = await self.ledger.build(build.id)
        assert row.status == expected_status(course), row.status_info
        assert await self.ledger.artifacts(build) == expected_artifacts(course)
        assert sorted(await self.ledger.log(build)) == expected_log(build, course)
        ends = [kind for kind in await self.ledger.events(build) if kind in ("build.completed", "build.failed")]
        assert ends == ["build.completed" if row.status == "COMPLETED" else "build.failed"]
        mine = [each for each in self.requests if isinstance(each, events.BuildEvent) and each.build_id == build.id]
        assert len(of_type(mine, events.SolveRequested)) == 1
        assert len(of_type(mine, events.PrefixRequested)) == course[SOLVE].succeeds
        assert len(of_type(mine, events.ArtifactRequested)) == (row.status == "COMPLETED")
        # Whoever was at it may have put it in place.
        unwanted = course[SOLVE].succeeds and not course[PREFIX].succeeds
        assert len(of_type(mine, events.PrefixDiscardRequested)) == unwanted

    async def check_canceled(self) -> None:
        """Every build is over, whatever was cancelled; a prefix that may be there is to be discarded."""
        for build in self.builds.values():
            row = await self.ledger.build(build.id)
            assert row.status in TERMINAL
            stages = await self.ledger.stages(build)
            assert not [name for name, stage in stages.items() if stage.state in OPEN]
            mine = [each for each in self.requests if isinstance(each, events.BuildEvent) and each.build_id == build.id]
            unwanted = row.status != "COMPLETED" and PREFIX in stages
            assert bool(of_type(mine, events.PrefixDiscardRequested)) == unwanted
            assert bool(of_type(mine, events.LinkRequested)) == (row.status == "COMPLETED")
            assert row.status == "COMPLETED" or set(await self.ledger.artifacts(build)) <= {"LOCKFILE"}

    async def check_current(self) -> None:
        """The newest completed build of the environment is the current one, and each change asked for its link."""
        completed = [build_id for build_id, course in self.courses.items() if expected_status(course) == "COMPLETED"]
        first = min(self.builds)
        environment = await self.ledger.environment(self.builds[first])
        expected = max(completed, default=first)
        assert environment.current_build_id == expected, (environment.current_build_id, expected)
        links = of_type(self.requests, events.LinkRequested)
        assert [link.generation for link in links] == list(range(1, len(links) + 1))
        assert environment.generation == len(links)
        assert bool(links) == bool(completed)
        assert not links or links[-1].build_id == environment.current_build_id


async def a_post(ledger: Ledger, courses: Sequence[BuildCourse], seed: int, at_once: int = 1) -> Post:
    """Submit builds of one new environment that go as told; return their messages' way to the wired handlers."""
    tools = Tools(
        transactions=ledger.transactions,
        store=ledger.store,
        retry=RetryPolicy(),
        options=LedgerOptions(),
        policy=a_policy(),
        ended=lambda: None,
        discarded=lambda: None,
    )
    # The wired handlers go by the real clock.
    ledger.now = now()
    ledger.policy = a_policy(build_artifacts=["YAML"])
    builds = [await ledger.submit("team", f"environment-{uuid.uuid4().hex}")]
    environment = builds[0].build_key.split("-", 3)[3]
    builds += [await ledger.submit("team", environment) for _ in courses[1:]]
    for build in builds:
        await ledger.put_record(build)
    await ledger.release()
    return Post(
        ledger=ledger,
        handlers={each.queue: each.handler for each in subscriptions(tools) if each.queue},
        chance=random.Random(seed),
        builds={build.id: build for build in builds},
        courses={build.id: course for build, course in zip(builds, courses, strict=True)},
        at_once=at_once,
    )
