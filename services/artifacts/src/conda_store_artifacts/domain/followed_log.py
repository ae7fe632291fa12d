"""What somebody is told who follows a log: text, which attempt it is of, what became of attempts, and the end."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from conda_store_artifacts.domain.log_position import LogPiece, LogPosition

RUNNING = "running"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """A try at a stage, ``number`` counting from 1; ``outcome`` is None while nothing was heard of its end."""

    stage: str
    attempt_id: str
    number: int
    outcome: str | None

    @property
    def state(self) -> str:
        """How far it is, in one word: its outcome, once it has one."""
        return self.outcome or RUNNING


@dataclass(frozen=True, slots=True, kw_only=True)
class LogText:
    """Text of an attempt, and the position after it."""

    stage: str
    attempt: int
    text: str
    position: LogPosition


@dataclass(frozen=True, slots=True, kw_only=True)
class StageMark:
    """What an attempt is doing from here on: ``running``, ``done``, or why it ended."""

    stage: str
    attempt: int
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LogEnd:
    """Nothing more comes: the log is ``complete``, or the build was ``deleted`` (without a status: its row is gone)."""

    reason: str
    status: str | None
    position: LogPosition


Told = LogText | StageMark


@dataclass(slots=True)
class Telling:
    """What one reader was told: text up to ``position``, and the latest state of each attempt.

    Text is told once; marks tell a state, so after a break those of attempts that were seen come again.
    """

    position: LogPosition
    _states: dict[str, str] = field(default_factory=dict)

    def tell(self, pieces: Sequence[LogPiece], attempts: Sequence[Attempt], *, is_all: bool) -> Iterator[Told]:
        """What follows when ``pieces`` were written; ``is_all`` says that they are all there is by now."""
        known = {attempt.attempt_id: attempt for attempt in attempts}
        runs = [(attempt_id, list(run)) for attempt_id, run in groupby(pieces, lambda piece: piece.attempt_id)]
        for index, (attempt_id, run) in enumerate(runs):
            attempt = known.get(attempt_id) or _unheard_of(run[0], attempts)
            yield from self._begin(attempt)
            for piece in run:
                self.position = self.position.after([piece])
                yield LogText(stage=attempt.stage, attempt=attempt.number, text=piece.lines, position=self.position)
            if is_all or index < len(runs) - 1:
                yield from self._change(attempt)
        if is_all:
            for attempt in attempts:
                if self.position.seen_of(attempt.attempt_id):
                    yield from self._change(attempt)

    def _begin(self, attempt: Attempt) -> Iterator[StageMark]:
        if not self.position.seen_of(attempt.attempt_id):
            self._states[attempt.attempt_id] = RUNNING
            yield StageMark(stage=attempt.stage, attempt=attempt.number, state=RUNNING)

    def _change(self, attempt: Attempt) -> Iterator[StageMark]:
        if self._states.get(attempt.attempt_id) != attempt.state:
            self._states[attempt.attempt_id] = attempt.state
            yield StageMark(stage=attempt.stage, attempt=attempt.number, state=attempt.state)


def _unheard_of(piece: LogPiece, attempts: Sequence[Attempt]) -> Attempt:
    """An attempt of which nothing but text has come: the next one at its stage, or the ledger's own remark."""
    number = 1 + sum(attempt.stage == piece.stage for attempt in attempts)
    return Attempt(stage=piece.stage, attempt_id=piece.attempt_id, number=number, outcome=None)
