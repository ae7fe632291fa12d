"""What a reader is told of the log of a build."""

from conda_store_artifacts.domain.followed_log import Attempt, LogText, StageMark, Telling, Told
from conda_store_artifacts.domain.log_position import LogPiece, LogPosition


def an_attempt(attempt_id: str, stage: str = "solve", number: int = 1, outcome: str | None = None) -> Attempt:
    return Attempt(stage=stage, attempt_id=attempt_id, number=number, outcome=outcome)


def a_piece(attempt_id: str, sequence: int = 0, stage: str = "solve") -> LogPiece:
    return LogPiece(stage=stage, attempt_id=attempt_id, sequence=sequence, lines=f"{attempt_id}{sequence}\n")


def shown(told: list[Told]) -> list[str]:
    """What was told, in short."""
    return [
        each.text.strip() if isinstance(each, LogText) else f"[{each.stage} {each.attempt} {each.state}]"
        for each in told
    ]


def test_reader_is_told_of_an_attempt_before_its_text_and_of_its_end_after_it() -> None:
    attempts = [an_attempt("a", outcome="worker_lost"), an_attempt("b", number=2)]
    told = list(Telling(LogPosition()).tell([a_piece("a"), a_piece("a", 1), a_piece("b")], attempts, is_all=True))
    assert shown(told) == ["[solve 1 running]", "a0", "a1", "[solve 1 worker_lost]", "[solve 2 running]", "b0"]


def test_reader_is_told_of_an_end_only_once_all_text_is_told() -> None:
    telling, attempts = Telling(LogPosition()), [an_attempt("a", outcome="done")]
    assert shown(list(telling.tell([a_piece("a")], attempts, is_all=False))) == ["[solve 1 running]", "a0"]
    assert shown(list(telling.tell([a_piece("a", 1)], attempts, is_all=True))) == ["a1", "[solve 1 done]"]
    assert list(telling.tell([], attempts, is_all=True)) == []


def test_reader_who_comes_back_is_told_no_text_again_but_what_the_attempts_are_doing() -> None:
    first = Telling(LogPosition())
    *_, last = first.tell([a_piece("a")], [an_attempt("a")], is_all=True)
    assert isinstance(last, LogText)
    again = Telling(LogPosition.parse(str(last.position)))
    attempts = [an_attempt("a", outcome="done"), an_attempt("b", "prefix")]
    assert shown(list(again.tell([a_piece("b", 0, "prefix")], attempts, is_all=True))) == [
        "[prefix 1 running]",
        "b0",
        "[solve 1 done]",
    ]


def test_text_of_an_attempt_nothing_else_was_heard_of_counts_as_the_next_one() -> None:
    told = list(Telling(LogPosition()).tell([a_piece("b")], [an_attempt("a")], is_all=True))
    assert told[0] == StageMark(stage="solve", attempt=2, state="running")
    ledger = list(Telling(LogPosition()).tell([a_piece("x", 0, "ledger")], [], is_all=True))
    assert shown(ledger)[0] == "[ledger 1 running]"


def test_every_position_leads_on_to_the_text_after_it() -> None:
    pieces = [a_piece("a"), a_piece("b", 0, "prefix"), a_piece("a", 1)]
    told = [each for each in Telling(LogPosition()).tell(pieces, [], is_all=True) if isinstance(each, LogText)]
    assert [each.position.seen_of("a") for each in told] == [1, 1, 2]
    assert [each.position.seen_of("b") for each in told] == [0, 1, 1]
